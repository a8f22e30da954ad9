// SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pty.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

#include "ranks/mpirun.hpp"

namespace tessera::testing {
namespace {

pid_t spawn(const std::string& file, const std::vector<std::string>& arguments,
            const std::vector<std::string>& added, int in, int out, int err) {
  std::vector<std::string> command{file};
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    environment.emplace_back(*entry);
  }
  environment.insert(environment.begin(), added.begin(), added.end());
  const auto argv = exec_vector(command);
  const auto envp = exec_vector(environment);
  const pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execvpe(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  return child;
}

/// An open, nameless file with this content, at its start.
int input_file(const std::string& content) {
  std::FILE* file = std::tmpfile();
  std::fwrite(content.data(), 1, content.size(), file);
  std::fflush(file);
  const int descriptor = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
  std::fclose(file);
  lseek(descriptor, 0, SEEK_SET);
  return descriptor;
}

}  // namespace

Program::Program(const std::vector<std::string>& arguments, const Setup& setup) {
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (pipe2(out.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe");
  }
  if (setup.terminal) {
    winsize size{};
    size.ws_col = 100;
    size.ws_row = 30;
    if (openpty(err.data(), &err[1], nullptr, nullptr, &size) != 0) {
      throw std::runtime_error("no terminal");
    }
  } else if (pipe2(err.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe");
  }
  const int in = input_file(setup.input);
  std::vector<std::string> words = setup.through;
  words.emplace_back(TESSERA_PROGRAM);
  words.insert(words.end(), arguments.begin(), arguments.end());
  pid_ = spawn(words.front(), {words.begin() + 1, words.end()}, setup.environment, in, out[1], err[1]);
  for (const int descriptor : {in, out[1], err[1]}) {
    close(descriptor);
  }
  out_ = out[0];
  err_end_ = err[0];
}

Program::~Program() {
  if (pid_ > 0) {
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  for (const int descriptor : {out_, err_end_}) {
    if (descriptor >= 0) {
      close(descriptor);
    }
  }
}

bool Program::read_some() {
  std::array<pollfd, 2> waits{pollfd{out_, POLLIN, 0}, pollfd{err_end_, POLLIN, 0}};
  if (out_ < 0 && err_end_ < 0) {
    return false;
  }
  poll(waits.data(), waits.size(), -1);
  for (const auto& [index, descriptor, text] :
       {std::tuple(0U, &out_, &out_text_), std::tuple(1U, &err_end_, &err_)}) {
    if (waits.at(index).revents != 0) {
      std::array<char, 65536> buffer;
      const ssize_t count = read(*descriptor, buffer.data(), buffer.size());
      if (count > 0) {
        text->append(buffer.data(), static_cast<std::size_t>(count));
      } else {  // the end; a terminal reports it as an error
        close(*descriptor);
        *descriptor = -1;
      }
    }
  }
  return true;
}

bool Program::wait_for_error(const std::string& text) {
  while (err_.find(text) == std::string::npos) {
    if (!read_some()) {
      return false;
    }
  }
  return true;
}

bool Program::wait_for_error_line(const std::string& text) {
  if (!wait_for_error(text)) {
    return false;
  }
  while (err_.find('\n', err_.find(text)) == std::string::npos) {
    if (!read_some()) {
      return false;
    }
  }
  return true;
}

Outcome Program::wait() {
  while (read_some()) {
  }
  int status = 0;
  rusage usage{};
  wait4(pid_, &status, 0, &usage);
  pid_ = -1;
  return {WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), out_text_, err_,
          usage.ru_maxrss * 1024};
}

Outcome run_program(const std::vector<std::string>& arguments, const Program::Setup& setup) {
  return Program(arguments, setup).wait();
}

Outcome run_other(const std::string& program, const std::vector<std::string>& arguments) {
  std::FILE* const output = std::tmpfile();
  const int in = input_file("");
  const pid_t child = spawn(program, arguments, {}, in, fileno(output), fileno(output));
  int status = 0;
  waitpid(child, &status, 0);
  close(in);
  std::string text;
  std::rewind(output);
  std::array<char, 4096> buffer;
  for (std::size_t count = 0; (count = std::fread(buffer.data(), 1, buffer.size(), output)) > 0;) {
    text.append(buffer.data(), count);
  }
  std::fclose(output);
  return {WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), text, {}};
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "tessera-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("no temporary folder");
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> TemporaryFolder::names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
    if (!entry.is_directory()) {
      names.push_back(std::filesystem::relative(entry.path(), path_).string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string pnm(std::int64_t width, std::int64_t height, int channels, std::uint32_t seed) {
  std::string image = fmt::format("P{}\n{} {}\n255\n", channels == 1 ? 5 : 6, width, height);
  std::minstd_rand random(seed);
  const std::size_t begin = image.size();
  image.resize(begin + static_cast<std::size_t>(width * height * channels));
  std::generate(image.begin() + static_cast<std::ptrdiff_t>(begin), image.end(),
                [&] { return static_cast<char>(random() >> 16U); });
  return image;
}

void write_file(const std::string& file, const std::string& content) {
  std::ofstream stream(file, std::ios::binary);
  stream << content;
  if (!stream.flush()) {
    throw std::runtime_error("cannot write " + file);
  }
}

std::string read_file(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream content;
  content << stream.rdbuf();
  return content.str();
}

}  // namespace tessera::testing
