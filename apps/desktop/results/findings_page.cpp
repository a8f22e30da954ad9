// SPDX-License-Identifier: Apache-2.0
#include "results/findings_page.hpp"

#include <QComboBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QPushButton>
#include <QSaveFile>
#include <QTableView>
#include <QVBoxLayout>

namespace tessera::desktop {

FindingsPage::FindingsPage(QWidget* parent)
    : QWidget(parent), choice_(new QComboBox), model_(new FindingsModel(this)) {
  auto* const table = new QTableView;
  table->setModel(model_);
  table->setAccessibleName(tr("What was found"));
  table->setAlternatingRowColors(true);
  table->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
  choice_->setAccessibleName(tr("Which list"));
  connect(choice_, &QComboBox::currentIndexChanged, this, [this](int index) {
    model_->set_list(index >= 0 ? lists_.at(static_cast<std::size_t>(index)) : Findings());
  });
  auto* const save_button = new QPushButton(tr("Save as CS&V…"));
  connect(save_button, &QPushButton::clicked, this, &FindingsPage::save);
  auto* const bar = new QHBoxLayout;
  bar->addWidget(choice_);
  bar->addStretch();
  bar->addWidget(save_button);
  auto* const column = new QVBoxLayout(this);
  column->addLayout(bar);
  column->addWidget(table, 1);
  setFocusProxy(table);
}

void FindingsPage::set_findings(std::vector<Findings> lists, const QString& picture_name) {
  choice_->clear();
  lists_ = std::move(lists);
  picture_name_ = picture_name;
  for (const Findings& list : lists_) {
    choice_->addItem(tr("%1 (%2)").arg(QString::fromStdString(list.operator_name)).arg(list.rows()));
  }
  choice_->setVisible(lists_.size() > 1);
}

void FindingsPage::save() {
  const QString suggestion = QFileInfo(picture_name_).completeBaseName() + "-" +
                             QString::fromStdString(model_->list().operator_name) + ".csv";
  const QString file =
      QFileDialog::getSaveFileName(this, tr("Save what was found"), suggestion, tr("Table (*.csv)"));
  if (file.isEmpty()) {
    return;
  }
  QSaveFile out(file);
  const QByteArray csv = findings_csv(model_->list());
  const bool good = out.open(QIODevice::WriteOnly) && out.write(csv) == csv.size() && out.commit();
  Q_EMIT status_message(good ? tr("Saved '%1'.").arg(file)
                             : tr("Cannot write '%1': %2.").arg(file, out.errorString()));
}

}  // namespace tessera::desktop
