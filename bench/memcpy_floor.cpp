// SPDX-License-Identifier: Apache-2.0
// memcpy_floor BYTES: seconds to copy that many bytes between warm buffers, the best of nine: what moving
// pixels costs.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

int main(int argc, char** argv) {
  const std::size_t bytes = argc == 2 ? std::strtoull(argv[1], nullptr, 10) : 0;
  if (bytes == 0) {
    std::fprintf(stderr, "Usage: memcpy_floor BYTES\n");
    return 2;
  }
  const std::vector<char> from(bytes, 1);
  std::vector<char> to(bytes, 2);
  double best = 1e9;
  for (int i = 0; i < 9; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    std::memcpy(to.data(), from.data(), bytes);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  // The copy is read, so that it is made.
  std::printf("%.5f\n", to[bytes / 2] == 1 ? best : -1.0);
  return 0;
}
