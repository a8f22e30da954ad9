// SPDX-License-Identifier: Apache-2.0
#include "pipeline/operator_browser.hpp"

#include <QAction>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QMimeData>
#include <QScreen>
#include <QStandardItemModel>
#include <QStyledItemDelegate>
#include <QTreeView>
#include <QVBoxLayout>
#include <algorithm>
#include <map>

#include "catalog/names.hpp"
#include "pipeline/pipeline_model.hpp"
#include "view/icons.hpp"

namespace tessera::desktop {
namespace {

constexpr int name_role = Qt::UserRole;
constexpr int search_role = Qt::UserRole + 1;
constexpr int width_px = 340;
constexpr int height_px = 460;

class OperatorTree final : public QStandardItemModel {
 public:
  using QStandardItemModel::QStandardItemModel;
  [[nodiscard]] QMimeData* mimeData(const QModelIndexList& indexes) const override {
    auto* data = new QMimeData;
    if (!indexes.isEmpty()) {
      data->setData(PipelineModel::operator_type, indexes.first().data(name_role).toString().toUtf8());
    }
    return data;
  }
};

class RoomyDelegate final : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    return QStyledItemDelegate::sizeHint(option, index) + QSize(0, 6);
  }
};

}  // namespace

QStandardItemModel* make_operator_tree(QObject* parent) {
  auto* model = new OperatorTree(parent);
  std::map<std::string_view, QStandardItem*> groups;
  for (const CatalogEntry& entry : catalog()) {
    QStandardItem*& group = groups[entry.info.group];
    if (group == nullptr) {
      group = new QStandardItem(to_qstring(entry.info.group));
      group->setSelectable(false);
      group->setDragEnabled(false);
      QFont bold;
      bold.setBold(true);
      group->setFont(bold);
      model->appendRow(group);
    }
    auto* item = new QStandardItem(title_of(entry.info.name));
    item->setData(to_qstring(entry.info.name), name_role);
    item->setData(to_qstring(entry.info.name) + " " + title_of(entry.info.name) + " " +
                      to_qstring(entry.info.group) + " " + to_qstring(entry.info.doc),
                  search_role);
    item->setToolTip(to_qstring(entry.info.doc));
    item->setEditable(false);
    group->appendRow(item);
  }
  return model;
}

void OperatorFilter::set_words(const QString& text) {
  words_ = text.split(u' ', Qt::SkipEmptyParts);
  invalidateFilter();
}

bool OperatorFilter::filterAcceptsRow(int row, const QModelIndex& parent) const {
  if (!parent.isValid()) {
    // A group is there if any of its operators is.
    const QModelIndex group = sourceModel()->index(row, 0);
    for (int child = 0; child < sourceModel()->rowCount(group); ++child) {
      if (filterAcceptsRow(child, group)) {
        return true;
      }
    }
    return false;
  }
  const QString text = sourceModel()->index(row, 0, parent).data(search_role).toString();
  return std::ranges::all_of(words_,
                             [&](const QString& word) { return text.contains(word, Qt::CaseInsensitive); });
}

OperatorBrowser::OperatorBrowser(QWidget* parent) : QFrame(parent, Qt::Popup) {
  setFrameShape(QFrame::StyledPanel);
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(8, 8, 8, 8);
  column->setSpacing(6);
  search_ = new QLineEdit;
  search_->setPlaceholderText(tr("Search operations"));
  search_->setAccessibleName(search_->placeholderText());
  search_->setClearButtonEnabled(true);
  search_->addAction(icon(Icon::search), QLineEdit::LeadingPosition);
  search_->installEventFilter(this);
  column->addWidget(search_);
  filter_ = new OperatorFilter(this);
  filter_->setSourceModel(make_operator_tree(this));
  tree_ = new QTreeView;
  tree_->setModel(filter_);
  tree_->setHeaderHidden(true);
  tree_->setRootIsDecorated(true);
  tree_->setIndentation(14);
  tree_->setItemDelegate(new RoomyDelegate(tree_));
  tree_->setUniformRowHeights(true);
  tree_->setEditTriggers(QAbstractItemView::NoEditTriggers);
  tree_->setFrameShape(QFrame::NoFrame);
  tree_->setDragEnabled(true);
  tree_->setMouseTracking(true);
  tree_->setAccessibleName(tr("Operations by category"));
  column->addWidget(tree_, 1);
  description_ = new QLabel;
  description_->setWordWrap(true);
  description_->setForegroundRole(QPalette::PlaceholderText);
  description_->setAlignment(Qt::AlignTop | Qt::AlignLeft);
  description_->setMinimumHeight(3 * fontMetrics().lineSpacing());
  column->addWidget(description_);
  connect(search_, &QLineEdit::textChanged, this, &OperatorBrowser::filter);
  connect(tree_, &QTreeView::clicked, this, [this](const QModelIndex& index) {
    if (index.parent().isValid()) {
      choose(index);
    } else {
      tree_->setExpanded(index, !tree_->isExpanded(index));
    }
  });
  connect(tree_, &QTreeView::activated, this, &OperatorBrowser::choose);
  connect(tree_, &QTreeView::entered, this, &OperatorBrowser::describe);
  connect(tree_->selectionModel(), &QItemSelectionModel::currentChanged, this, &OperatorBrowser::describe);
}

void OperatorBrowser::pop_up(const QWidget* below) {
  const QRect screen = below->screen()->availableGeometry();
  const QPoint bottom = below->mapToGlobal(QPoint(0, below->height() + 2));
  const int width = std::max(width_px, below->width());
  const int x = std::clamp(bottom.x() + below->width() - width, screen.left(), screen.right() - width);
  int y = bottom.y();
  if (y + height_px > screen.bottom()) {
    y = std::max(screen.top(), bottom.y() - below->height() - height_px - 4);
  }
  setGeometry(x, y, width, std::min(height_px, screen.height()));
  show();
  filter(search_->text());
  search_->setFocus();
}

void OperatorBrowser::hideEvent(QHideEvent* event) {
  search_->clear();
  QFrame::hideEvent(event);
}

void OperatorBrowser::filter(const QString& text) {
  filter_->set_words(text);
  tree_->expandAll();
  select_first();
  if (filter_->rowCount() == 0) {
    description_->setText(tr("No operation has “%1” in its name, category or description.").arg(text));
  }
}

void OperatorBrowser::select_first() {
  const QModelIndex first = filter_->index(0, 0, filter_->index(0, 0));
  tree_->setCurrentIndex(first);
  tree_->scrollToTop();
}

void OperatorBrowser::step(int by) {
  QModelIndex index = tree_->currentIndex();
  do {
    index = by > 0 ? tree_->indexBelow(index) : tree_->indexAbove(index);
  } while (index.isValid() && !index.parent().isValid());
  if (index.isValid()) {
    tree_->setCurrentIndex(index);
  }
}

void OperatorBrowser::describe(const QModelIndex& index) {
  description_->setText(index.data(Qt::ToolTipRole).toString());
}

void OperatorBrowser::choose(const QModelIndex& index) {
  if (index.parent().isValid()) {
    const std::string name = index.data(name_role).toString().toStdString();
    hide();  // which clears the filter, and with it the index
    Q_EMIT chosen(name);
  }
}

bool OperatorBrowser::eventFilter(QObject* watched, QEvent* event) {
  if (watched == search_ && event->type() == QEvent::KeyPress) {
    switch (static_cast<QKeyEvent*>(event)->key()) {
      case Qt::Key_Down:
        step(1);
        return true;
      case Qt::Key_Up:
        step(-1);
        return true;
      case Qt::Key_Return:
      case Qt::Key_Enter:
        choose(tree_->currentIndex());
        return true;
      default:
        break;
    }
  }
  return QFrame::eventFilter(watched, event);
}

}  // namespace tessera::desktop
