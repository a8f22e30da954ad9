// SPDX-License-Identifier: Apache-2.0
// Keeps what is being worked on, so that it is there again when the program starts, however it ended.
#pragma once

#include <QLockFile>
#include <QObject>
#include <QTimer>

namespace tessera::desktop {

class EditPage;

class WorkspaceKeeper : public QObject {
  Q_OBJECT

 public:
  /// The first program that runs keeps its workspace in `folder`; others keep nothing. `page` must outlive it.
  WorkspaceKeeper(EditPage& page, const QString& folder, QObject* parent = nullptr);

  /// Opens what was kept, if anything. What cannot be opened is put aside under another name, and said.
  void restore();
  /// Writes what has changed since it was written last.
  void save();

 Q_SIGNALS:
  void message(const QString& text);

 private:
  EditPage& page_;
  QString file_;
  QLockFile lock_;
  QTimer delay_;
  bool keeps_ = false;
};

}  // namespace tessera::desktop
