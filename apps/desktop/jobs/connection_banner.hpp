// SPDX-License-Identifier: Apache-2.0
// Says above the jobs that a place cannot be used at the moment, and offers what can be done about it.
#pragma once

#include <QFrame>

class QLabel;
class QPushButton;

namespace tessera::desktop {

struct Connection;

class ConnectionBanner : public QFrame {
  Q_OBJECT

 public:
  explicit ConnectionBanner(QWidget* parent = nullptr);

  /// Is there while the connection to the server of that name is lost or refused; or else, with
  /// `local_problem`, while this computer cannot be used.
  void show_state(const Connection& connection, const QString& server, const QString& local_problem);

 Q_SIGNALS:
  void reconnect_wanted();
  void settings_wanted();

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void take_colors();

  QLabel* text_;
  QPushButton* try_now_;
  QPushButton* settings_;
};

}  // namespace tessera::desktop
