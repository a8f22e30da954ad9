// SPDX-License-Identifier: Apache-2.0
#include "jobs/server/server_dialog.hpp"

#include <QAction>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QVBoxLayout>

#include "base/error.hpp"
#include "jobs/job_delegate.hpp"

namespace tessera::desktop {

ServerDialog::ServerDialog(const ServerSettings& settings, QWidget* parent)
    : QDialog(parent),
      address_(new QLineEdit(settings.address)),
      token_(new QLineEdit(settings.token)),
      ca_file_(new QLineEdit(settings.ca_file)),
      remark_(new QLabel),
      test_button_(new QPushButton(tr("&Test the connection"))),
      buttons_(new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel)) {
  setWindowTitle(tr("Server"));
  worker_.setMaxThreadCount(1);
  address_->setPlaceholderText("https://tessera.example.org");
  address_->setAccessibleName(tr("Address of the server"));
  token_->setPlaceholderText(tr("none"));
  token_->setAccessibleName(tr("Token"));
  token_->setEchoMode(QLineEdit::Password);
  ca_file_->setPlaceholderText(tr("those of the system"));
  ca_file_->setAccessibleName(tr("File of certificates"));

  auto* const show_token = new QPushButton(tr("&Show"));
  show_token->setCheckable(true);
  show_token->setAutoDefault(false);
  connect(show_token, &QPushButton::toggled, this,
          [this](bool shown) { token_->setEchoMode(shown ? QLineEdit::Normal : QLineEdit::Password); });
  auto* const browse = new QPushButton(tr("&Browse…"));
  browse->setAutoDefault(false);
  connect(browse, &QPushButton::clicked, this, [this] {
    const QString file = QFileDialog::getOpenFileName(this, tr("Certificates to trust"), ca_file_->text(),
                                                      tr("Certificates (*.pem *.crt *.cer);;All files (*)"));
    if (!file.isEmpty()) {
      ca_file_->setText(file);
    }
  });

  const auto with_button = [](QLineEdit* edit, QPushButton* button) {
    auto* const row = new QHBoxLayout;
    row->addWidget(edit, 1);
    row->addWidget(button);
    return row;
  };
  auto* const form = new QFormLayout;
  form->addRow(tr("&Address:"), address_);
  auto* const token_row = with_button(token_, show_token);
  form->addRow(tr("T&oken:"), token_row);
  auto* const token_label = qobject_cast<QLabel*>(form->labelForField(token_row));
  token_label->setBuddy(token_);
  auto* const care =
      new QLabel(tr("Who runs the server gives you the token. It is kept in a file of its own "
                    "that only you can read, not among the other settings."));
  care->setWordWrap(true);
  care->setForegroundRole(QPalette::PlaceholderText);
  form->addRow(QString(), care);
  auto* const ca_row = with_button(ca_file_, browse);
  form->addRow(tr("&Certificates:"), ca_row);
  qobject_cast<QLabel*>(form->labelForField(ca_row))->setBuddy(ca_file_);

  remark_->setWordWrap(true);
  remark_->setMinimumHeight(fontMetrics().height() * 3);
  remark_->setAlignment(Qt::AlignLeft | Qt::AlignTop);
  remark_->setTextInteractionFlags(Qt::TextSelectableByMouse);

  test_button_->setAutoDefault(false);
  buttons_->addButton(test_button_, QDialogButtonBox::ActionRole);
  connect(test_button_, &QPushButton::clicked, this, &ServerDialog::test);
  connect(buttons_, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(buttons_, &QDialogButtonBox::rejected, this, &QDialog::reject);
  for (QLineEdit* const edit : {address_, token_, ca_file_}) {
    connect(edit, &QLineEdit::textChanged, this, &ServerDialog::check);
  }

  auto* const layout = new QVBoxLayout(this);
  layout->addLayout(form);
  layout->addWidget(remark_);
  layout->addWidget(buttons_);
  setMinimumWidth(fontMetrics().averageCharWidth() * 78);
  check();
}

ServerDialog::~ServerDialog() {
  stop_.request_stop();
  worker_.clear();
  worker_.waitForDone();
}

ServerSettings ServerDialog::settings() const {
  return {normalised_address(address_->text()), token_->text().trimmed(), ca_file_->text().trimmed()};
}

void ServerDialog::say(const QString& text, bool good) {
  QPalette colors = palette();
  colors.setColor(QPalette::WindowText, good ? success_color(palette()) : failure_color(palette()));
  remark_->setPalette(colors);
  remark_->setText(text);
}

void ServerDialog::check() {
  ++asked_;
  const ServerSettings now = settings();
  const auto problem = problem_with(now);
  buttons_->button(QDialogButtonBox::Ok)->setEnabled(!problem);
  test_button_->setEnabled(!problem);
  if (problem) {
    say(address_->text().isEmpty() ? QString() : *problem, false);
  } else {
    say(warning_about(now).value_or(QString()), false);
  }
}

void ServerDialog::test() {
  test_button_->setEnabled(false);
  say(tr("Asking the server…"), true);
  const int asked = ++asked_;
  worker_.start([this, asked, options = client_options(settings()), stop = stop_.get_token()] {
    QString text;
    bool good = false;
    try {
      Client client(options);
      const auto nodes = client.get("/v1/nodes", stop).at("nodes").size();
      good = true;
      text = nodes > 0 ? tr("The server answers. Nodes that process images: %1.").arg(nodes)
                       : tr("The server answers, but no node is there to process images: jobs would wait.");
    } catch (const std::exception& error) {
      text = QString::fromStdString(error.what());
    }
    QMetaObject::invokeMethod(this, [this, asked, text, good] {
      if (asked == asked_) {
        say(text, good);
        test_button_->setEnabled(true);
      }
    });
  });
}

}  // namespace tessera::desktop
