# Writes glmnet.json beside this script: Rscript tests/golden/glmnet.R  (glmnet 4.1-6).
# Small data by formula, so that nothing depends on a random number generator.
library(glmnet)
glmnet.control(fdev = 0, devmax = 1)
n <- 40; p <- 7
i <- 1:n
X <- outer(i, 1:p, function(i, j) sin(i * j * 0.7 + j) + 0.3 * cos(i * 1.3) + (j == 3) * (i %% 4))
eta <- 0.8 * X[, 1] - 0.6 * X[, 2] + 0.3 * X[, 3]
u <- (i * 0.6180339887) %% 1
s <- 0.5 + (i * 0.4142135) %% 1
offset <- 0.2 * cos(i)
factors <- c(0, 2, 1, 0.5, 1, 1.5, 1)
y <- list(
  gaussian = 3 * eta + 2 * cos(5 * i) + u,
  binomial = as.numeric(u < 1 / (1 + exp(-eta))),
  poisson = floor(exp(0.5 * eta + 0.3 + u)),
  mgaussian = cbind(eta + u, -eta + cos(i), 0.5 * X[, 4] + sin(2 * i)),
  multinomial = 1 + (u > 0.3) + (u + 0.3 * eta > 0.7))
lambda <- c(0.2, 0.05, 0.01)
fit <- function(family, alpha, standardize = FALSE, ...) {
  model <- glmnet(X, y[[family]], family = family, alpha = alpha, lambda = lambda, weights = s,
                  standardize = standardize, thresh = 1e-20, maxit = 1e7, ...)
  beta <- if (is.list(model$beta)) lapply(model$beta, as.matrix) else list(as.matrix(model$beta))
  a0 <- if (is.matrix(model$a0)) model$a0 else matrix(model$a0, 1)
  list(family = family, alpha = alpha, standardize = standardize, a0 = unname(a0),
       beta = unname(lapply(beta, unname)))
}
cases <- list()
for (alpha in c(1, 0.5)) {
  cases <- c(cases, list(
    fit("binomial", alpha), fit("poisson", alpha), fit("mgaussian", alpha),
    fit("multinomial", alpha),
    c(fit("multinomial", alpha, type.multinomial = "grouped"), grouped = TRUE),
    c(fit("poisson", alpha, offset = offset), offset = TRUE),
    c(fit("binomial", alpha, offset = offset, lower.limits = -0.3, upper.limits = 0.4),
      offset = TRUE, limits = TRUE)))
  for (standardize in c(FALSE, TRUE)) {
    cases <- c(cases, list(
      fit("gaussian", alpha, standardize),
      c(fit("gaussian", alpha, standardize, offset = offset, penalty.factor = factors),
        offset = TRUE, factors = TRUE),
      c(fit("gaussian", alpha, standardize, intercept = FALSE), through_origin = TRUE),
      c(fit("gaussian", alpha, standardize, lower.limits = -0.3, upper.limits = 0.4),
        limits = TRUE)))
  }
}
for (standardize in c(FALSE, TRUE)) cases <- c(cases, list(fit("gaussian", 0, standardize)))
numbers <- function(v) paste0("[", paste(sprintf("%.15g", v), collapse = ", "), "]")
rows <- function(m) paste0("[", paste(apply(as.matrix(m), 1, numbers), collapse = ", "), "]")
flags <- c("standardize", "grouped", "offset", "limits", "factors", "through_origin")
flag <- function(case, name) sprintf('"%s": %s', name, if (isTRUE(case[[name]])) "true" else "false")
case_text <- function(case) sprintf(
  '{"family": "%s", "alpha": %g, %s,\n "a0": %s,\n "beta": [%s]}',
  case$family, case$alpha, paste(sapply(flags, function(name) flag(case, name)), collapse = ", "),
  rows(case$a0), paste(sapply(case$beta, rows), collapse = ",\n  "))
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
writeLines(sprintf(
  '{"glmnet": "%s", "lambda": %s,\n"X": %s,\n"s": %s,\n"offset": %s,\n"factors": %s,\n"y": {%s},\n"cases": [%s]}',
  packageVersion("glmnet"), numbers(lambda), rows(X), numbers(s), numbers(offset),
  numbers(factors),
  paste(sprintf('"%s": %s', names(y), sapply(y, function(v) if (is.matrix(v)) rows(v) else numbers(v))),
        collapse = ",\n"),
  paste(sapply(cases, case_text), collapse = ",\n")), file.path(here, "glmnet.json"))
