// SPDX-License-Identifier: Apache-2.0
#include "jobs/connection_banner.hpp"

#include <QApplication>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>

#include "jobs/model/job_backend.hpp"

namespace tessera::desktop {

ConnectionBanner::ConnectionBanner(QWidget* parent)
    : QFrame(parent),
      text_(new QLabel),
      try_now_(new QPushButton(tr("Tr&y now"))),
      settings_(new QPushButton(tr("Settin&gs…"))) {
  setAutoFillBackground(true);
  text_->setWordWrap(true);
  text_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  connect(try_now_, &QPushButton::clicked, this, &ConnectionBanner::reconnect_wanted);
  connect(settings_, &QPushButton::clicked, this, &ConnectionBanner::settings_wanted);
  auto* const row = new QHBoxLayout(this);
  row->addWidget(text_, 1);
  row->addWidget(try_now_);
  row->addWidget(settings_);
  take_colors();
  hide();
}

void ConnectionBanner::take_colors() {
  // Of a warning, in the light and in the dark; the buttons are as everywhere.
  const QPalette everywhere = QApplication::palette();
  QPalette warning = everywhere;
  warning.setColor(QPalette::Window, QColor(0xff, 0xe0, 0x82));
  warning.setColor(QPalette::WindowText, QColor(0x3a, 0x2c, 0x00));
  setPalette(warning);
  try_now_->setPalette(everywhere);
  settings_->setPalette(everywhere);
}

void ConnectionBanner::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  if (event->type() == QEvent::ApplicationPaletteChange) {
    take_colors();
  }
}

void ConnectionBanner::show_state(const Connection& connection, const QString& server,
                                  const QString& local_problem) {
  QString text = local_problem;
  if (connection.state == Connection::State::lost) {
    text =
        tr("The connection to %1 is lost. Tessera keeps trying, and then catches up with what has happened. "
           "%2")
            .arg(server, connection.reason);
  } else if (connection.state == Connection::State::refused) {
    text = tr("%1 cannot be used: %2").arg(server, connection.reason);
  }
  const bool about_server =
      connection.state == Connection::State::lost || connection.state == Connection::State::refused;
  text_->setText(text);
  setAccessibleName(text);
  try_now_->setVisible(about_server);
  settings_->setVisible(about_server);
  setVisible(!text.isEmpty());
}

}  // namespace tessera::desktop
