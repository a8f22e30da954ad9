// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>

#include <opencv2/core/utility.hpp>

#include "command.hpp"

int main(int argc, char** argv) {
  // The engine owns the threads.
  cv::setNumThreads(1);
  // Strips, halos and encoded pieces are taken and given back many times a second. By default malloc maps and
  // unmaps each of them, and every fresh page costs a fault: far more than the arithmetic done in it. Kept in
  // the heap, they are reused warm. What is taken once (a whole image) is above the threshold and still
  // returns to the system.
  mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
  mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
  return tessera::cli::run({argv + 1, argv + argc});
}
