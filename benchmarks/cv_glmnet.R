# R's cv.glmnet on one problem, for folds.py: the time, and the scores in scores.bin.
#
#     Rscript benchmarks/cv_glmnet.R FOLDER N P FAMILY
#
# FOLDER holds y.bin, alphas.bin and foldid.bin, raw float64, and X: columns in X.bin, float64, or
# data.bin, indices.bin and indptr.bin, float64 and int32, of a sparse matrix by columns.

suppressPackageStartupMessages({
  library(Matrix)
  library(glmnet)
})
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
read <- function(name, n) readBin(file.path(folder, name), "double", n, endian = "little")
n <- as.numeric(arguments[2])
p <- as.numeric(arguments[3])
if (file.exists(file.path(folder, "X.bin"))) {
  X <- matrix(read("X.bin", n * p), n, p)
} else {
  whole <- function(name, n) readBin(file.path(folder, name), "integer", n, endian = "little")
  indptr <- whole("indptr.bin", p + 1)
  X <- sparseMatrix(
    i = whole("indices.bin", indptr[p + 1]), p = indptr, x = read("data.bin", indptr[p + 1]),
    dims = c(n, p), index1 = FALSE
  )
}
y <- read("y.bin", n)
if (arguments[4] == "binomial") y <- factor(y)
alphas <- read("alphas.bin", 1e6)
foldid <- read("foldid.bin", n)
glmnet.control(fdev = 0, devmax = 1, mnlam = length(alphas))
taken <- system.time(
  found <- cv.glmnet(
    X, y, family = arguments[4], lambda = alphas, foldid = foldid, standardize = FALSE
  )
)["elapsed"]
writeBin(c(found$cvm, found$cvsd), file.path(folder, "scores.bin"))
cat(taken, as.character(packageVersion("glmnet")), "\n")
