# Writes cv_glmnet.json beside this script: Rscript tests/golden/cv_glmnet.R  (glmnet 4.1-6).
# Small data by formula, in folds of unequal size and weight.
library(glmnet)
glmnet.control(fdev = 0, devmax = 1)
n <- 60; p <- 12
i <- 1:n
X <- outer(i, 1:p, function(i, j) sin(i * j * 0.37 + j^2) + 0.4 * cos(i * 1.7))
eta <- 1.1 * X[, 1] - 0.9 * X[, 2] + 0.6 * X[, 3] + 0.3 * X[, 4]
u <- (i * 0.6180339887) %% 1
s <- 0.5 + (i * 0.4142135) %% 1
offset <- 0.2 * cos(i)
fold <- 1 + floor(5 * ((i * 0.7548776662) %% 1)^1.15)
y <- list(
  gaussian = eta + 2 * u + cos(5 * i),
  binomial = as.numeric(u < 1 / (1 + exp(-eta))),
  poisson = floor(exp(0.4 * eta + cos(5 * i) + 0.3)),
  mgaussian = cbind(eta + u, cos(i) - eta, 0.5 * X[, 4] + sin(2 * i)),
  multinomial = 1 + (u > 0.3) + (u + 0.3 * eta > 0.75))
lambda <- 0.4 * 0.8^(0:17)
cv <- function(family, measure, alpha, standardize, o = NULL) {
  model <- cv.glmnet(X, y[[family]], family = family, type.measure = measure, alpha = alpha,
                     lambda = lambda, weights = s, offset = o, foldid = fold,
                     standardize = standardize, thresh = 1e-20, maxit = 1e7)
  list(family = family, measure = measure, alpha = alpha, standardize = standardize,
       offset = !is.null(o), cvm = model$cvm, cvsd = model$cvsd,
       lambda_min = model$lambda.min, lambda_1se = model$lambda.1se)
}
# For the gaussian family no elastic net: its L2 part would be another one in every fold.
cases <- list()
for (standardize in c(FALSE, TRUE)) {
  cases <- c(cases, list(
    cv("gaussian", "mse", 1, standardize),
    cv("gaussian", "mse", 1, standardize, offset),
    cv("gaussian", "mae", 1, standardize)))
}
for (alpha in c(1, 0.5)) {
  for (measure in c("deviance", "class", "auc", "mse"))
    cases <- c(cases, list(cv("binomial", measure, alpha, FALSE)))
  for (measure in c("deviance", "mae"))
    cases <- c(cases, list(cv("poisson", measure, alpha, TRUE, offset)))
  for (measure in c("deviance", "class", "mse"))
    cases <- c(cases, list(cv("multinomial", measure, alpha, FALSE)))
  cases <- c(cases, list(cv("mgaussian", "mse", alpha, TRUE)))
}
numbers <- function(v) paste0("[", paste(sprintf("%.17g", v), collapse = ", "), "]")
rows <- function(m) paste0("[", paste(apply(as.matrix(m), 1, numbers), collapse = ", "), "]")
word <- function(flag) if (flag) "true" else "false"
case_text <- function(case) sprintf(
  '{"family": "%s", "measure": "%s", "alpha": %g, "standardize": %s, "offset": %s,\n "lambda_min": %.17g, "lambda_1se": %.17g,\n "cvm": %s,\n "cvsd": %s}',
  case$family, case$measure, case$alpha, word(case$standardize), word(case$offset),
  case$lambda_min, case$lambda_1se, numbers(case$cvm), numbers(case$cvsd))
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
writeLines(sprintf(
  '{"glmnet": "%s", "lambda": %s,\n"X": %s,\n"s": %s,\n"offset": %s,\n"fold": %s,\n"y": {%s},\n"cases": [%s]}',
  packageVersion("glmnet"), numbers(lambda), rows(X), numbers(s), numbers(offset), numbers(fold),
  paste(sprintf('"%s": %s', names(y), sapply(y, function(v) if (is.matrix(v)) rows(v) else numbers(v))),
        collapse = ",\n"),
  paste(sapply(cases, case_text), collapse = ",\n")), file.path(here, "cv_glmnet.json"))
