// SPDX-License-Identifier: Apache-2.0
#include "window/workspace_keeper.hpp"

#include <QDir>
#include <QFile>

#include "base/error.hpp"
#include "window/edit_page.hpp"
#include "window/workspace.hpp"

namespace tessera::desktop {
namespace {

/// Changes that follow one another, as while a slider moves, are written once.
constexpr int save_delay_ms = 500;

}  // namespace

WorkspaceKeeper::WorkspaceKeeper(EditPage& page, const QString& folder, QObject* parent)
    : QObject(parent), page_(page), file_(folder + "/workspace.json"), lock_(file_ + ".lock") {
  lock_.setStaleLockTime(0);  // a lock is stale when its program is gone, however old it is
  keeps_ = QDir().mkpath(folder) && lock_.tryLock(0);
  delay_.setSingleShot(true);
  delay_.setInterval(save_delay_ms);
  connect(&delay_, &QTimer::timeout, this, &WorkspaceKeeper::save);
  if (keeps_) {
    connect(&page_, &EditPage::workspace_changed, &delay_, qOverload<>(&QTimer::start));
  }
}

void WorkspaceKeeper::restore() {
  if (!keeps_ || !QFile::exists(file_)) {
    return;
  }
  try {
    page_.open(read_workspace(file_));
  } catch (const Error& error) {
    const QString aside = file_ + ".unreadable";
    QFile::remove(aside);
    QFile::rename(file_, aside);
    Q_EMIT message(tr("The images of last time cannot be shown again: %1").arg(error.what()));
  }
  delay_.stop();  // it is written already
}

void WorkspaceKeeper::save() {
  delay_.stop();
  if (!keeps_) {
    return;
  }
  try {
    write_workspace(file_, page_.workspace());
  } catch (const Error& error) {
    Q_EMIT message(error.what());
  }
}

}  // namespace tessera::desktop
