// SPDX-License-Identifier: Apache-2.0
// Where the user says which server to use.
#pragma once

#include <QDialog>
#include <QThreadPool>
#include <stop_token>

#include "jobs/server/server_settings.hpp"

class QDialogButtonBox;
class QLabel;
class QLineEdit;
class QPushButton;

namespace tessera::desktop {

class ServerDialog : public QDialog {
  Q_OBJECT

 public:
  explicit ServerDialog(const ServerSettings& settings, QWidget* parent = nullptr);
  ~ServerDialog() override;
  [[nodiscard]] ServerSettings settings() const;

 private:
  void check();
  void test();
  void say(const QString& text, bool good);

  QLineEdit* address_;
  QLineEdit* token_;
  QLineEdit* ca_file_;
  QLabel* remark_;
  QPushButton* test_button_;
  QDialogButtonBox* buttons_;
  std::stop_source stop_;
  QThreadPool worker_;
  int asked_ = 0;
};

}  // namespace tessera::desktop
