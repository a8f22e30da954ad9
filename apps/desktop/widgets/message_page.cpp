// SPDX-License-Identifier: Apache-2.0
#include "widgets/message_page.hpp"

#include <QLabel>
#include <QProgressBar>
#include <QVBoxLayout>

#include "jobs/job_delegate.hpp"
#include "view/compare_view.hpp"

namespace tessera::desktop {
namespace {

constexpr int bar_steps = 1000;

}  // namespace

MessagePage::MessagePage(QWidget* parent)
    : QWidget(parent),
      title_(new QLabel),
      text_(new QLabel),
      bar_(new QProgressBar),
      picture_(new CompareView) {
  QFont font = title_->font();
  font.setWeight(QFont::DemiBold);
  title_->setFont(font);
  text_->setWordWrap(true);
  text_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  bar_->setRange(0, bar_steps);
  bar_->setTextVisible(false);
  picture_->set_mode(CompareView::Mode::before_only);
  auto* const column = new QVBoxLayout(this);
  column->addWidget(title_);
  column->addWidget(text_);
  column->addWidget(bar_);
  column->addWidget(picture_, 1);
}

void MessagePage::set_message(Kind kind, const QString& title, const QString& text,
                              std::optional<double> fraction) {
  title_->setText(title);
  QPalette colors = palette();
  if (kind == Kind::failure) {
    colors.setColor(QPalette::WindowText, failure_color(palette()));
  }
  title_->setPalette(colors);
  text_->setText(text);
  text_->setVisible(!text.isEmpty());
  bar_->setVisible(fraction.has_value());
  if (fraction) {
    bar_->setValue(static_cast<int>(*fraction * bar_steps));
  }
}

void MessagePage::set_picture(const Picture& picture) { picture_->set_before(picture); }

void MessagePage::set_picture_placeholder(const QString& text) {
  picture_->clear();
  picture_->setVisible(!text.isEmpty());
  picture_->set_placeholder(text);
}

}  // namespace tessera::desktop
