// Ranks on two hosts: network namespaces with addresses of their own, joined by a cable that can be pulled.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <sstream>

#include "program.hpp"

namespace tessera::testing {
namespace {

const char* const slow = "gaussian-blur sigma=64 | gaussian-blur sigma=64 | gaussian-blur sigma=64";

class Hosts : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  std::string in = folder / "in.ppm";
  std::string out = folder / "out.png";
  std::string alpha = fmt::format("tessera-{}-a", getpid());
  std::string beta = fmt::format("tessera-{}-b", getpid());
  std::string cable = fmt::format("ts{}b", getpid());
  /// Of this test alone, so that tests may run side by side.
  int network = getpid() % 250 + 1;
  std::string agent = folder / "agent";
  std::string hostfile = folder / "hosts";

  static void ip(const std::vector<std::string>& arguments) {
    const Outcome outcome = run_other("ip", arguments);
    ASSERT_EQ(outcome.exit_code, 0) << fmt::format("ip {}: {}", fmt::join(arguments, " "), outcome.out);
  }
  std::string address(int host) const { return fmt::format("10.213.{}.{}", network, host); }

  void SetUp() override {
    if (geteuid() != 0) {
      GTEST_SKIP() << "network namespaces need root";
    }
    const std::string other_end = fmt::format("ts{}a", getpid());
    ip({"netns", "add", alpha});
    ip({"netns", "add", beta});
    ip({"link", "add", other_end, "type", "veth", "peer", "name", cable});
    ip({"link", "set", other_end, "netns", alpha});
    ip({"link", "set", cable, "netns", beta});
    for (const auto& [name, link, host] : {std::tuple{alpha, other_end, 1}, std::tuple{beta, cable, 2}}) {
      ip({"-n", name, "addr", "add", address(host) + "/24", "dev", link});
      ip({"-n", name, "link", "set", link, "up"});
      ip({"-n", name, "link", "set", "lo", "up"});
    }
    // In the place of ssh: HOST COMMAND...
    write_file(
        agent,
        fmt::format("#!/bin/sh\nhost=$1; shift\ncase $host in {}) at={} name=alpha;; *) at={} "
                    "name=beta;; esac\nexec ip netns exec $at unshare -u sh -c \"hostname $name; $*\"\n",
                    address(1), alpha, beta));
    std::filesystem::permissions(agent, std::filesystem::perms::owner_all);
    write_file(hostfile, fmt::format("{} slots=1\n{} slots=2\n", address(1), address(2)));
  }

  void TearDown() override {
    for (const std::string& name : {alpha, beta}) {
      std::istringstream pids(run_other("ip", {"netns", "pids", name}).out);
      for (pid_t pid = 0; pids >> pid;) {
        kill(pid, SIGKILL);
      }
      static_cast<void>(run_other("ip", {"netns", "del", name}));
    }
  }

  Program::Setup on_alpha() const {
    const std::string subnet = fmt::format("10.213.{}.0/24", network);
    return {.environment = {"OMPI_MCA_plm_rsh_agent=" + agent, "OMPI_MCA_btl_tcp_if_include=" + subnet,
                            "OMPI_MCA_oob_tcp_if_include=" + subnet},
            .through = {"ip", "netns", "exec", alpha, "unshare", "-u", "sh", "-c",
                        "hostname alpha; exec \"$@\"", "sh"}};
  }
  std::vector<std::string> ranks(const std::string& pipeline) const {
    return {"apply",     "-v", "--force", "--ranks", "3",  "--hostfile", hostfile,
            "--threads", "1",  pipeline,  in,        "-o", out};
  }
  /// The process of a rank that runs on beta, once all have said where they are.
  static pid_t rank_on_beta(Program& program) {
    if (!program.wait_for_error_line("rank 2 runs on beta:")) {
      return -1;
    }
    const std::string& said = program.error_so_far();
    return std::stoi(said.substr(said.find("rank 2 runs on beta:") + 20));
  }
};

TEST_F(Hosts, GiveTheSameBytes) {
  const std::string pipeline = "gaussian-blur sigma=3 | otsu";
  // PNM is read by every rank for itself, PNG by the root alone.
  write_file(in, pnm(701, 503, 3));
  ASSERT_EQ(run_program({"apply", pipeline, in, "-o", folder / "one.png"}).exit_code, 0);
  Outcome outcome = run_program(ranks(pipeline), on_alpha());
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("rank 1 on beta:"), std::string::npos) << outcome.out;
  EXPECT_TRUE(read_file(out) == read_file(folder / "one.png"));

  ASSERT_EQ(run_program({"apply", "invert", in, "-o", folder / "in.png"}).exit_code, 0);
  in = folder / "in.png";
  ASSERT_EQ(run_program({"apply", "--force", pipeline, in, "-o", folder / "one.png"}).exit_code, 0);
  outcome = run_program(ranks(pipeline), on_alpha());
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(read_file(out) == read_file(folder / "one.png"));
}

TEST_F(Hosts, EndClearlyWhenARankDiesFarAway) {
  write_file(in, pnm(4000, 4000, 3));
  Program program(ranks(slow), on_alpha());
  const pid_t victim = rank_on_beta(program);
  ASSERT_GT(victim, 0) << program.wait().err;
  kill(victim, SIGKILL);
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 9) << outcome.err;
  EXPECT_NE(outcome.err.find("tessera: Rank 2 on " + address(2) + " died of signal 9"), std::string::npos)
      << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(Hosts, EndClearlyWhenTheCableIsPulled) {
  write_file(in, pnm(4000, 4000, 3));
  Program program(ranks(slow), on_alpha());
  ASSERT_GT(rank_on_beta(program), 0) << program.wait().err;
  ip({"-n", beta, "link", "set", cable, "down"});
  const Outcome outcome = program.wait();
  EXPECT_EQ(outcome.exit_code, 9) << outcome.err;
  // Which of the two mpirun says depends on which end notices first.
  EXPECT_TRUE(outcome.err.find("tessera: The connection to the host " + address(2) + " was lost") !=
                  std::string::npos ||
              outcome.err.find("tessera: The connection to one of the hosts was lost") != std::string::npos)
      << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace tessera::testing
