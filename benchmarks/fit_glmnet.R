# R's glmnet fits one problem: the counterpart of fit_peer.py, which says what is read and written.
#
#     Rscript benchmarks/fit_glmnet.R glmnet STORAGE FOLDER THREADS FAMILY INTERCEPT L1_RATIO
#
# glmnet has one thread. Its multinomial penalty is that of single coefficients ("ungrouped").
# It divides y by its deviation s, the L1 part of the penalty by s with it and the L2 part not: of
# y / s, lambda (a / s + 1 - a) and the mixture that goes with it, it makes the same problem.

suppressPackageStartupMessages({
  library(Matrix)
  library(glmnet)
})

# One-dimensional and Fortran-ordered .npy files, version 1: float64 ("<f8") and int32 ("<i4").
read_npy <- function(file) {
  connection <- file(file, "rb")
  on.exit(close(connection))
  readBin(connection, "raw", 8)
  header <- readChar(connection, readBin(connection, "integer", 1, size = 2, signed = FALSE))
  shape <- sub(".*'shape': \\(([^)]*)\\).*", "\\1", header)
  shape <- as.numeric(strsplit(gsub(" ", "", sub(",$", "", gsub(" ", "", shape))), ",")[[1]])
  kind <- if (grepl("<f8", header)) "double" else "integer"
  stopifnot(kind == "double" || grepl("<i4", header))
  stopifnot(length(shape) == 1 || grepl("'fortran_order': True", header))
  values <- readBin(connection, kind, prod(shape), endian = "little")
  if (length(shape) == 2) dim(values) <- shape
  values
}

write_npy <- function(values, file) {
  kind <- if (is.integer(values)) "<i4" else "<f8"
  header <- sprintf("{'descr': '%s', 'fortran_order': True, 'shape': (%d,), }", kind, length(values))
  header <- paste0(header, strrep(" ", 127 - 10 - nchar(header)), "\n")
  connection <- file(file, "wb")
  on.exit(close(connection))
  writeBin(as.raw(c(0x93, utf8ToInt("NUMPY"), 1, 0)), connection)
  writeBin(nchar(header), connection, size = 2, endian = "little")
  writeChar(header, connection, eos = NULL)
  writeBin(values, connection, endian = "little")
}

load_matrix <- function(folder, storage) {
  part <- function(name) read_npy(file.path(folder, name))
  if (storage == "dense") return(part("X.npy"))
  sparseMatrix(
    i = part("csc_indices.npy"), p = part("csc_indptr.npy"), x = part("csc_data.npy"),
    dims = part("shape.npy"), index1 = FALSE
  )
}

say <- function(...) {
  cat(sprintf(...), "\n", sep = "")
  flush(stdout())
}

arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[3]
family <- if (arguments[5] == "multigaussian") "mgaussian" else arguments[5]
y <- read_npy(file.path(folder, "y.npy"))
if (family %in% c("binomial", "multinomial")) y <- factor(y)
alphas <- read_npy(file.path(folder, "alphas.npy"))
X <- load_matrix(folder, arguments[2])
intercept <- arguments[6] == "1"
mixture <- as.numeric(arguments[7])
deviation <- 1
if (family == "gaussian" && mixture < 1) {
  deviation <- sqrt(mean((y - intercept * mean(y))^2))
  y <- y / deviation
  size <- mixture / deviation + 1 - mixture
  alphas <- alphas * size
  mixture <- mixture / deviation / size
}
glmnet.control(fdev = 0, devmax = 1, mnlam = length(alphas))
say('{"ready": "%s"}', as.character(packageVersion("glmnet")))

requests <- file("stdin", "r")
while (length(line <- readLines(requests, 1)) > 0) {
  gc(FALSE)
  failure <- tryCatch({
    cpu <- sum(proc.time()[1:2])
    start <- as.numeric(Sys.time())
    found <- glmnet(
      X, y, family = family, lambda = alphas, alpha = mixture, standardize = FALSE,
      intercept = intercept, thresh = as.numeric(line), maxit = 1e9
    )
    seconds <- as.numeric(Sys.time()) - start
    cpu <- sum(proc.time()[1:2]) - cpu
    coefs <- if (is.list(found$beta)) do.call(rbind, found$beta) else found$beta
    stopifnot(ncol(coefs) == length(alphas))
    NULL
  }, error = function(e) conditionMessage(e))
  if (!is.null(failure)) {
    say('{"error": "%s"}', gsub('["\\\\\n]', " ", failure))
    next
  }
  write_npy(deviation * coefs@x, file.path(folder, "coef_data.npy"))
  write_npy(coefs@i, file.path(folder, "coef_indices.npy"))
  write_npy(coefs@p, file.path(folder, "coef_indptr.npy"))
  write_npy(deviation * as.numeric(found$a0), file.path(folder, "intercepts.npy"))
  say(
    '{"seconds": %.6f, "cpu": %.3f, "peak": null, "claimed": null, "steps": null}', seconds, cpu
  )
}
