// SPDX-License-Identifier: Apache-2.0
#include <cblas.h>

/// LAPACK, which Debian's OpenBLAS has and declares nowhere: eigenvalues of a symmetric matrix, rising, and with job
/// "V" the eigenvectors in its place, a column each.
void dsyev_(
  const char *job, const char *triangle, const int *n, double *a, const int *stride, double *eigenvalues,
  double *workspace, const int *workspace_size, int *status);
