// SPDX-License-Identifier: Apache-2.0
// The real programs of the service, and the real command as its client.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "schema/param.hpp"
#include "servers/raw_http.hpp"
#include "servers/server_process.hpp"

namespace tessera::testing {

enum class ServeDoor {
  open,    ///< --open: for tests of other things than who gets in
  closed,  ///< as a user starts it: commands of this test find the first token by themselves
};

/// `tessera serve` on a free port, with its data in a folder of its own.
class ServeProcess {
 public:
  explicit ServeProcess(std::vector<std::string> more_arguments = {}, ServeDoor door = ServeDoor::open);
  void start();
  void kill() { process_->kill(); }
  void stop() { process_->stop(); }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string state_url() const {
    return "sqlite://" + (folder_.path() / "data/state.db").string();
  }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
  /// The first token, if the door is closed.
  [[nodiscard]] std::string token() const;
  /// What it has logged.
  [[nodiscard]] std::string log() const { return read_file(folder_.path() / "log"); }
  [[nodiscard]] pid_t pid() const { return process_->pid(); }

 private:
  ServerFolder folder_;
  int port_ = free_port();
  std::vector<std::string> more_arguments_;
  std::unique_ptr<ServerProcess> process_;
};

struct CommandOutcome {
  int exit_code = -1;
  std::string out;  ///< standard output
  std::string err;
};
/// Runs a command found in PATH, or by its path, to its end.
[[nodiscard]] CommandOutcome run_command(std::vector<std::string> command);
/// `tessera ARGUMENTS...`
[[nodiscard]] CommandOutcome tessera(std::vector<std::string> arguments);

[[nodiscard]] Json json_of(const Answer& answer);
/// The answer to a request with a JSON body; the token is sent if there is one.
[[nodiscard]] Answer send_json(int port, const std::string& method, const std::string& path,
                               const Json& body = {}, const std::string& token = {},
                               const Fields& more_headers = {});
/// Uploads bytes through the place that the gateway gives; returns the object's name.
[[nodiscard]] std::string upload(int port, const std::string& bytes, const std::string& token = {});
/// Follows the events of a batch until all of its jobs have ended; returns the types of events, in order.
std::vector<std::string> follow_to_end(int port, const std::string& batch_id, const std::string& token = {});
/// The same where the notifier is another server.
std::vector<std::string> follow_batch(int notifier_port, int gateway_port, const std::string& batch_id,
                                      const std::string& token = {});
/// Photographs of the Kodak set.
[[nodiscard]] std::vector<std::filesystem::path> photographs(std::size_t count);

}  // namespace tessera::testing
