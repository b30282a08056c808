#!/bin/sh
# Installs what the bench compares with, from Debian's packages; as root. Without them the bench says what it leaves out.
set -e
apt-get update -qq
apt-get install -y -qq python3-numpy python3-scipy python3-sklearn r-base-core r-cran-mcmcpack r-cran-jsonlite gcc libc6-dev
