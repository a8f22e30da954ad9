// SPDX-License-Identifier: Apache-2.0
// Progress of jobs on a terminal: a line with a bar for each, redrawn in place; or, if standard error is not
// a terminal, a line for each state change.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "schema/param.hpp"

namespace tessera::service {

class ProgressView {
 public:
  explicit ProgressView(bool quiet);
  ~ProgressView();
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;
  void upload(const std::string& name, double fraction);
  void job(const Json& job);

 private:
  struct Line {
    std::string name;
    std::string state;
    double fraction = 0;
    std::string remark;
  };
  void show(const std::string& key, Line line);
  void draw();
  bool quiet_;
  bool terminal_;
  bool coloured_;
  std::vector<std::string> order_;
  std::map<std::string, Line> lines_;
  std::size_t drawn_ = 0;
};

}  // namespace tessera::service
