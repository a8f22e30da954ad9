// SPDX-License-Identifier: Apache-2.0
// All of the library but tessera/mpi.hpp, which needs MPI's headers.
#pragma once

#include "tessera/error.hpp"
#include "tessera/geometry.hpp"
#include "tessera/image.hpp"
#include "tessera/pipeline.hpp"
#include "tessera/pixels.hpp"
#include "tessera/report.hpp"
#include "tessera/version.hpp"
