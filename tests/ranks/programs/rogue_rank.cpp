// SPDX-License-Identifier: Apache-2.0
// Started by a node in the place of 'tessera worker': says hello as a rank does, then what stands in the file
// "say" in the node's scratch folder, and waits.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "ranks/channel.hpp"
#include "ranks/messages.hpp"

int main() {
  using namespace tessera;
  RankChannel channel(connect_to(std::getenv(worker_address_variable)));
  Hello hello;
  hello.location = "rogue:" + std::to_string(::getpid());
  hello.pid = ::getpid();
  hello.secret = std::getenv(worker_secret_variable);
  hello.shares_files = true;
  channel.send(to_line(RankMessage(hello)));
  const auto scratch = std::filesystem::path(std::getenv(worker_folder_variable)).parent_path();
  std::ifstream say(scratch / "say", std::ios::binary);
  channel.send(std::string(std::istreambuf_iterator<char>(say), {}));
  while (channel.receive()) {
  }
  return 0;
}
