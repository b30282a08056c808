# MCMCpack's MCMCtobit: the same regression, all variables in, censored above at each play's own bound. The bound becomes 0 by
# moving it to the left side, with a coefficient of -1 that its prior holds fast.
suppressMessages({library(MCMCpack); library(jsonlite)})
given <- fromJSON(commandArgs(TRUE)[1])
p <- given$p
X <- matrix(given$x, ncol = p, byrow = TRUE)
cut <- given$censored == 1
# Events never reach their bound: any place above them serves.
bound <- ifelse(cut, given$y, given$y + 1)
frame <- as.data.frame(X[, -1])
names(frame) <- paste0("x", seq_len(p - 1))
frame$bound <- bound
frame$rest <- ifelse(cut, 0, given$y - bound)
formula <- as.formula(paste("rest ~", paste(names(frame)[seq_len(p)], collapse = " + ")))
sample <- function(seed) MCMCtobit(formula, data = frame, below = -1e6, above = 0, burnin = given$burnIn,
  mcmc = given$draws, seed = seed, beta.start = c(rep(0, p), -1), b0 = c(rep(0, p), -1),
  B0 = diag(c(1 / given$s2x, 1e10)), c0 = given$v, d0 = given$v * given$s2y)
sample(1)
times <- c()
for (seed in 1:5) {
  start <- proc.time()[["elapsed"]]
  draws <- sample(seed)
  times <- c(times, 1000 * (proc.time()[["elapsed"]] - start))
}
cat(toJSON(list(ms = median(times), draws = t(as.matrix(draws)[, seq_len(p)])), auto_unbox = TRUE, digits = 10))
