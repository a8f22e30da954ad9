// SPDX-License-Identifier: Apache-2.0
#include "results/compare_page.hpp"

#include <QButtonGroup>
#include <QHBoxLayout>
#include <QLabel>
#include <QToolButton>
#include <QVBoxLayout>

#include "view/compare_view.hpp"
#include "view/muted_label.hpp"

namespace tessera::desktop {
namespace {

struct ModeChoice {
  QString text;
  CompareView::Mode mode;
};

/// One button for each way to compare, of which one is down: that of the view.
void add_mode_buttons(QHBoxLayout* bar, CompareView* view) {
  auto* const group = new QButtonGroup(view);
  for (const ModeChoice& choice :
       {ModeChoice{ComparePage::tr("S&lider"), CompareView::Mode::slider},
        ModeChoice{ComparePage::tr("S&ide by side"), CompareView::Mode::side_by_side},
        ModeChoice{ComparePage::tr("&Before"), CompareView::Mode::before_only},
        ModeChoice{ComparePage::tr("&After"), CompareView::Mode::after_only}}) {
    auto* const button = new QToolButton;
    button->setText(choice.text);
    button->setCheckable(true);
    button->setAutoRaise(true);
    button->setFocusPolicy(Qt::StrongFocus);
    button->setChecked(choice.mode == view->mode());
    group->addButton(button, static_cast<int>(choice.mode));
    bar->addWidget(button);
  }
  QObject::connect(group, &QButtonGroup::idClicked, view,
                   [view](int mode) { view->set_mode(static_cast<CompareView::Mode>(mode)); });
  QObject::connect(view, &CompareView::mode_changed, group, [group](CompareView::Mode mode) {
    if (QAbstractButton* const button = group->button(static_cast<int>(mode))) {
      button->setChecked(true);
    }
  });
}

QToolButton* zoom_button(const QString& text, const QString& tip) {
  auto* const button = new QToolButton;
  button->setText(text);
  button->setAutoRaise(true);
  button->setToolTip(tip);
  return button;
}

}  // namespace

ComparePage::ComparePage(QWidget* parent) : QWidget(parent), view_(new CompareView), note_(muted_label()) {
  auto* const bar = new QHBoxLayout;
  add_mode_buttons(bar, view_);
  bar->addStretch();
  bar->addWidget(note_);
  QToolButton* const fit = zoom_button(tr("Fi&t"), tr("The whole picture"));
  connect(fit, &QToolButton::clicked, view_, &CompareView::zoom_to_fit);
  bar->addWidget(fit);
  QToolButton* const full = zoom_button(tr("100 %"), tr("One pixel of the picture for one of the screen"));
  connect(full, &QToolButton::clicked, view_, [this] { view_->set_zoom(1); });
  bar->addWidget(full);

  auto* const column = new QVBoxLayout(this);
  column->addLayout(bar);
  column->addWidget(view_, 1);
  setFocusProxy(view_);
}

void ComparePage::clear() {
  view_->clear();
  view_->set_placeholder(tr("Loading the picture…"));
}

void ComparePage::set_before(const Picture& before) { view_->set_before(before); }
void ComparePage::set_after(const Picture& after) { view_->set_after(after); }
void ComparePage::set_note(const QString& text) { note_->setText(text); }

}  // namespace tessera::desktop
