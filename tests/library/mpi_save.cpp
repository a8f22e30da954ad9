// SPDX-License-Identifier: Apache-2.0
// mpi_save PIPELINE IN OUT: the library on the ranks of an MPI communicator that this program has made.
#include <cstdio>
#include <tessera/mpi.hpp>
#include <tessera/tessera.hpp>

int main(int argc, char** argv) {
  if (argc != 4) {
    return 2;
  }
  int given = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &given);
  int code = 0;
  try {
    const tessera::Image image = tessera::Image::open(argv[2]).apply(argv[1]);
    tessera::RunSettings settings;
    settings.threads = 1;
    settings.communicator = tessera::communicator(MPI_COMM_WORLD);
    image.save(argv[3], {}, settings);
    // Only rank 0 has the pixels.
    const tessera::Pixels pixels = image.pixels(settings);
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if ((rank == 0) != (pixels.data() != nullptr)) {
      std::fprintf(stderr, "rank %d: pixels are on the wrong rank\n", rank);
      code = 1;
    }
  } catch (const tessera::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    code = 1;
  }
  MPI_Finalize();
  return code;
}
