# R's cv.glmnet on one problem, for folds.py: the time, and the scores in scores.bin.
#
#     Rscript benchmarks/cv_glmnet.R FOLDER N P FOLDS
#
# FOLDER holds X.bin (columns), y.bin, alphas.bin and foldid.bin, raw float64.

suppressPackageStartupMessages(library(glmnet))
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
read <- function(name, n) readBin(file.path(folder, name), "double", n, endian = "little")
n <- as.numeric(arguments[2])
p <- as.numeric(arguments[3])
X <- matrix(read("X.bin", n * p), n, p)
y <- read("y.bin", n)
alphas <- read("alphas.bin", 1e6)
foldid <- read("foldid.bin", n)
glmnet.control(fdev = 0, devmax = 1, mnlam = length(alphas))
taken <- system.time(
  found <- cv.glmnet(X, y, lambda = alphas, foldid = foldid, standardize = FALSE)
)["elapsed"]
writeBin(c(found$cvm, found$cvsd), file.path(folder, "scores.bin"))
cat(taken, as.character(packageVersion("glmnet")), "\n")
