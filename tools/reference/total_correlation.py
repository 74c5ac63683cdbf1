"""Total correlation of codes, in nats, as that of a Gaussian with their covariance.

    zoo embed RUN --output codes.npz
    python tools/reference/total_correlation.py codes.npz

TC = 1/2 (sum of log variances - log determinant), of z ~ q(z|x): the covariance of the means plus the mean variances.
Needs numpy.
"""

import sys

import numpy

codes = numpy.load(sys.argv[1])
covariance = numpy.cov(codes["mean"].T) + numpy.diag(numpy.exp(codes["log_variance"]).mean(axis=0))
log_determinant = numpy.linalg.slogdet(covariance)[1]
print(f"{(numpy.log(numpy.diag(covariance)).sum() - log_determinant) / 2:.4f}")
