// SPDX-License-Identifier: Apache-2.0
// Ranks on two hosts: network namespaces with addresses of their own, joined by a cable that can be pulled.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>

#include "program.hpp"
#include "support/endless.hpp"

namespace tessera::testing {
namespace {

/// A host: a process that holds network and host name namespaces of its own. Killed with its namespaces when
/// destroyed.
class Host {
 public:
  /// `way_in` is the command that leads to where the host is made.
  Host(std::vector<std::string> way_in, const std::string& name)
      : holder_({}, {.through = through(std::move(way_in), name)}), up_(holder_.wait_for_error("up")) {}
  ~Host() {
    const auto network = network_of(holder_.pid());
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const pid_t process = std::atoi(entry.path().filename().c_str());
      if (process > 0 && !network.empty() && network_of(process) == network) {
        kill(process, SIGKILL);
      }
    }
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  [[nodiscard]] bool up() const { return up_; }
  [[nodiscard]] std::string pid() const { return std::to_string(holder_.pid()); }

 private:
  static std::vector<std::string> through(std::vector<std::string> way_in, const std::string& name) {
    for (const char* word : {"unshare", "--net", "--uts", "sh", "-c"}) {
      way_in.emplace_back(word);
    }
    way_in.push_back("hostname " + name + "; echo up >&2; exec sleep infinity");
    return way_in;
  }
  static std::filesystem::path network_of(pid_t process) {
    std::error_code gone;
    return std::filesystem::read_symlink(fmt::format("/proc/{}/ns/net", process), gone);
  }
  Program holder_;
  bool up_;
};

class Hosts : public ::testing::Test {
 protected:
  TemporaryFolder folder;
  std::string in = folder / "in.ppm";
  std::string out = folder / "out.png";
  std::unique_ptr<Host> alpha;
  std::unique_ptr<Host> beta;
  /// Whether the hosts are in a user namespace of their own, which gives an ordinary user the right to make
  /// them.
  bool as_user = false;
  std::string agent = folder / "agent";
  std::string hostfile = folder / "hosts";
  const std::string cable = "beta0";

  static std::string address(int host) { return fmt::format("10.213.1.{}", host); }
  std::vector<std::string> on(const Host& host) const {
    std::vector<std::string> way{"nsenter", "--target", host.pid(), "--net", "--uts"};
    if (as_user) {
      way.insert(way.end(), {"--user", "--preserve-credentials"});
    }
    return way;
  }
  void ip(const Host& host, const std::string& arguments) const {
    std::vector<std::string> words = on(host);
    words.insert(words.end(), {"sh", "-c", "ip " + arguments});
    const Outcome outcome = run_other(words.front(), {words.begin() + 1, words.end()});
    ASSERT_EQ(outcome.exit_code, 0) << fmt::format("ip {}: {}", arguments, outcome.out);
  }

  void SetUp() override {
    const bool as_root = run_other("unshare", {"--net", "--uts", "true"}).exit_code == 0;
    as_user = !as_root;
    if (as_user &&
        run_other("unshare", {"--user", "--map-root-user", "--net", "--uts", "true"}).exit_code != 0) {
      GTEST_SKIP() << "This machine lets this user make neither network namespaces nor user namespaces.";
    }
    alpha = std::make_unique<Host>(as_user ? std::vector<std::string>{"unshare", "--user", "--map-root-user"}
                                           : std::vector<std::string>{},
                                   "alpha");
    ASSERT_TRUE(alpha->up());
    beta = std::make_unique<Host>(as_user ? std::vector<std::string>{"nsenter", "--target", alpha->pid(),
                                                                     "--user", "--preserve-credentials"}
                                          : std::vector<std::string>{},
                                  "beta");
    ASSERT_TRUE(beta->up());
    ip(*alpha, fmt::format("link add alpha0 type veth peer name {} netns {}", cable, beta->pid()));
    for (const auto& [host, link, number] :
         {std::tuple{alpha.get(), std::string("alpha0"), 1}, std::tuple{beta.get(), cable, 2}}) {
      ip(*host, fmt::format("addr add {}/24 dev {}", address(number), link));
      ip(*host, fmt::format("link set {} up", link));
      ip(*host, "link set lo up");
    }
    // In the place of ssh: HOST COMMAND... It runs on alpha, so it is in the user namespace already.
    write_file(agent, fmt::format("#!/bin/sh\nhost=$1; shift\ncase $host in {}) at={};; *) at={};; esac\n"
                                  "exec nsenter --target $at --net --uts sh -c \"$*\"\n",
                                  address(1), alpha->pid(), beta->pid()));
    std::filesystem::permissions(agent, std::filesystem::perms::owner_all);
    write_file(hostfile, fmt::format("{} slots=1\n{} slots=2\n", address(1), address(2)));
  }

  Program::Setup on_alpha() const {
    const std::string subnet = "10.213.1.0/24";
    return {.environment = {"OMPI_MCA_plm_rsh_agent=" + agent, "OMPI_MCA_btl_tcp_if_include=" + subnet,
                            "OMPI_MCA_oob_tcp_if_include=" + subnet},
            .through = on(*alpha)};
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

TEST_F(Hosts, UploadTheirOwnPartsToABucket) {
  const std::string endpoint = fmt::format("http://{}:{}", address(1), 9000);
  Program server(
      {}, {.through = [&] {
        std::vector<std::string> way = on(*alpha);
        for (const std::string& word : {std::string("sh"), std::string("-c"),
                                        fmt::format("python3 -B {} 9000 key secret pictures --address {} & "
                                                    "until python3 -c 'import socket; "
                                                    "socket.create_connection((\"{}\", 9000))' 2>/dev/null; "
                                                    "do sleep 0.05; done; echo ready >&2; wait",
                                                    TESSERA_STRICT_S3, address(1), address(1))}) {
          way.push_back(word);
        }
        return way;
      }()});
  ASSERT_TRUE(server.wait_for_error("ready")) << server.error_so_far();
  Program::Setup setup = on_alpha();
  // The root has another process number than beta's ranks see, so that nothing leads to its file, as on another
  // machine.
  setup.through.insert(setup.through.end(), {"unshare", "--pid", "--fork"});
  setup.environment.insert(setup.environment.end(), {"AWS_ENDPOINT_URL=" + endpoint, "AWS_ACCESS_KEY_ID=key",
                                                     "AWS_SECRET_ACCESS_KEY=secret"});
  // Noise does not compress: some 40 MB, five parts.
  write_file(in, pnm(4000, 3400, 3));
  const auto apply = [&](const std::string& to) {
    out = to;
    return run_program(ranks("invert"), setup);
  };
  ASSERT_EQ(run_program({"apply", "invert", in, "-o", folder / "one.png"}).exit_code, 0);
  Outcome outcome = apply("s3://pictures/out.png");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto wrote = outcome.out.find("rank 2 on beta:");
  ASSERT_NE(wrote, std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find(" MB", outcome.out.find("wrote", wrote)), std::string::npos) << outcome.out;
  outcome = run_program({"compare", "s3://pictures/out.png", folder / "one.png"}, setup);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::string copy = folder / "copy.png";
  std::vector<std::string> download = on(*alpha);
  for (const std::string& word :
       {std::string("env"), std::string("AWS_ACCESS_KEY_ID=key"), std::string("AWS_SECRET_ACCESS_KEY=secret"),
        std::string("python3"), std::string("-c"),
        std::string("import boto3, sys; boto3.client('s3', endpoint_url=sys.argv[1], region_name='us-east-1')"
                    ".download_file('pictures', 'out.png', sys.argv[2])"),
        endpoint, copy}) {
    download.push_back(word);
  }
  ASSERT_EQ(run_other(download.front(), {download.begin() + 1, download.end()}).exit_code, 0);
  EXPECT_TRUE(read_file(copy) == read_file(folder / "one.png"));
}

TEST_F(Hosts, EndClearlyWhenARankDiesFarAway) {
  write_endless_image(in);
  Program program(ranks(endless_pipeline), on_alpha());
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
  write_endless_image(in);
  Program program(ranks(endless_pipeline), on_alpha());
  ASSERT_GT(rank_on_beta(program), 0) << program.wait().err;
  ip(*beta, fmt::format("link set {} down", cable));
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
