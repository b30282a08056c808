/* Log weights of every model on every subject's plays, the plain loop: log mean over the particles of the joint density.
   Reads "[n,n,…]" as bench/pairs.ts writes it, prints JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double *read_all(const char *path, size_t *count) {
  FILE *file = fopen(path, "r");
  if (file == NULL) exit(1);
  size_t room = 1 << 20;
  double *values = malloc(room * sizeof(double));
  *count = 0;
  fgetc(file);
  while (fscanf(file, "%lf", &values[*count]) == 1) {
    fgetc(file);
    if (++*count == room) values = realloc(values, (room *= 2) * sizeof(double));
  }
  fclose(file);
  return values;
}

/* log of the normal distribution function: erfc in the middle, its asymptotic series far out on the left. */
static double log_cdf(double z) {
  if (z > -20) return z > 5 ? log1p(-0.5 * erfc(z * M_SQRT1_2)) : log(0.5 * erfc(-z * M_SQRT1_2));
  double s = 1 / (z * z);
  return -0.5 * z * z - log(-z) - 0.91893853320467274 + log1p(s * (-1 + s * (3 + s * (-15 + s * (105 - 945 * s)))));
}

int main(int argc, char **argv) {
  size_t count;
  double *all = read_all(argv[1], &count);
  int subjects = all[0], n = all[1], m = all[2], p = all[3];
  double *beta = all + 4, *sigma2 = beta + (size_t)subjects * m * p, *x = sigma2 + (size_t)subjects * m;
  double *y = x + (size_t)subjects * n * p, *cut = y + (size_t)subjects * n;
  double *out = malloc(sizeof(double) * subjects * subjects), *joint = malloc(sizeof(double) * m);
  double best = 1e300;
  for (int run = 0; run < 3; run++) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int t = 0; t < subjects; t++)
      for (int i = 0; i < subjects; i++) {
        double largest = -INFINITY, sum = 0;
        for (int k = 0; k < m; k++) {
          const double *b = beta + ((size_t)i * m + k) * p;
          double sd = sqrt(sigma2[(size_t)i * m + k]), inverse = 1 / sd, constant = -0.91893853320467274 - log(sd), total = 0;
          for (int r = 0; r < n; r++) {
            const double *row = x + ((size_t)t * n + r) * p;
            double mu = 0;
            for (int q = 0; q < p; q++) mu += row[q] * b[q];
            double e = (y[t * n + r] - mu) * inverse;
            total += cut[t * n + r] != 0 ? log_cdf(-e) : constant - 0.5 * e * e;
          }
          joint[k] = total;
          if (total > largest) largest = total;
        }
        for (int k = 0; k < m; k++) sum += exp(joint[k] - largest);
        out[t * subjects + i] = largest + log(sum / m);
      }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ms = 1e3 * (end.tv_sec - start.tv_sec) + 1e-6 * (end.tv_nsec - start.tv_nsec);
    if (ms < best) best = ms;
  }
  printf("{\"ms\":%.17g,\"weights\":[", best);
  for (int i = 0; i < subjects * subjects; i++) printf("%s%.17g", i ? "," : "", out[i]);
  printf("]}\n");
  return 0;
}
