// SPDX-License-Identifier: Apache-2.0
// Included before src/comm/mpi.cpp where it is compiled for SMPI, which promises MPI_THREAD_SINGLE only: a
// simulated rank has one thread.
#pragma once

#include <mpi.h>

#undef MPI_THREAD_SERIALIZED
#define MPI_THREAD_SERIALIZED MPI_THREAD_SINGLE
