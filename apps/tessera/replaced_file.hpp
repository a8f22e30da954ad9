// SPDX-License-Identifier: Apache-2.0
// What becomes of an input and its times when its result is written.
#pragma once

#include <sys/stat.h>

#include <string>

#include "outputs.hpp"

namespace tessera::cli {

/// Keeps an input under its backup name while its result is made, and takes the backup away again unless the result
/// was written.
class ReplacedFile {
 public:
  /// An item without a backup name: nothing is kept. `replace`: an older backup may be replaced. Throws Error(usage,
  /// io).
  ReplacedFile(const WorkItem& item, bool replace);
  ReplacedFile(const ReplacedFile&) = delete;
  ReplacedFile& operator=(const ReplacedFile&) = delete;
  ~ReplacedFile();
  /// The result is there. `keep_time`: it gets the input's time of modification. Throws Error(io).
  void succeeded(bool keep_time);

 private:
  WorkItem item_;
  bool made_backup_ = false;
  bool known_ = false;
  struct stat before_ {};
};

}  // namespace tessera::cli
