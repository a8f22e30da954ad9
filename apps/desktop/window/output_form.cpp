// SPDX-License-Identifier: Apache-2.0
#include "window/output_form.hpp"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QSettings>
#include <QSpinBox>
#include <QVBoxLayout>
#include <algorithm>

#include "codec/writer.hpp"

namespace tessera::desktop {

OutputForm::OutputForm(QWidget* parent) : QWidget(parent) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(6);
  auto* row = new QHBoxLayout;
  row->setSpacing(6);
  auto* label = new QLabel(tr("Save as"));
  row->addWidget(label);
  format_ = new QComboBox;
  for (const FileFormatInfo& choice : file_format_table) {
    format_->addItem(QString::fromUtf8(choice.name.data(), static_cast<qsizetype>(choice.name.size())));
  }
  format_->setAccessibleName(tr("Format of the results"));
  label->setBuddy(format_);
  row->addWidget(format_);
  row->addStretch(1);
  quality_label_ = new QLabel(tr("Quality"));
  row->addWidget(quality_label_);
  quality_ = new QSpinBox;
  quality_->setRange(min_quality, max_quality);
  quality_->setAccessibleName(tr("Quality"));
  quality_->setToolTip(tr("1 to 100: higher looks better and takes more space"));
  quality_label_->setBuddy(quality_);
  row->addWidget(quality_);
  column->addLayout(row);
  auto* metadata_row = new QHBoxLayout;
  metadata_row->setSpacing(6);
  auto* metadata_label = new QLabel(tr("Metadata"));
  metadata_row->addWidget(metadata_label);
  metadata_ = new QComboBox;
  metadata_->addItem(tr("Keep"), QVariant(false));
  metadata_->addItem(tr("Leave out places"), QStringLiteral("location"));
  metadata_->addItem(tr("Leave out all"), QVariant(true));
  metadata_->setAccessibleName(tr("Metadata of the results"));
  metadata_->setToolTip(
      tr("EXIF, XMP and IPTC: camera, time, place, author, captions. The colour profile stays where colours "
         "need it."));
  metadata_label->setBuddy(metadata_);
  metadata_row->addWidget(metadata_);
  metadata_row->addStretch(1);
  column->addLayout(metadata_row);

  const QSettings settings;
  format_->setCurrentIndex(std::clamp(settings.value("output/format", 0).toInt(), 0, format_->count() - 1));
  quality_->setValue(settings.value("output/quality", WriteOptions{}.quality).toInt());
  // Kept under the name and in the kinds of earlier versions, where it was yes or no.
  const QString strip = settings.value("output/strip", false).toString();
  metadata_->setCurrentIndex(strip == QStringLiteral("location") ? 1
                                                                 : (strip == QStringLiteral("true") ? 2 : 0));
  connect(format_, &QComboBox::currentIndexChanged, this, &OutputForm::update_quality);
  update_quality();
}

void OutputForm::update_quality() {
  const bool lossy = file_format_table.at(static_cast<std::size_t>(format_->currentIndex())).lossy;
  quality_->setEnabled(lossy);
  quality_label_->setEnabled(lossy);
}

Json OutputForm::output() const {
  const FileFormatInfo& choice = file_format_table.at(static_cast<std::size_t>(format_->currentIndex()));
  Json output{{"format", std::string(choice.extension)}};
  if (choice.lossy) {
    output["quality"] = quality_->value();
  }
  const QVariant strip = metadata_->currentData();
  if (strip.typeId() == QMetaType::QString) {
    output["strip"] = strip.toString().toStdString();
  } else if (strip.toBool()) {
    output["strip"] = true;
  }
  return output;
}

void OutputForm::save() const {
  QSettings settings;
  settings.setValue("output/format", format_->currentIndex());
  settings.setValue("output/quality", quality_->value());
  settings.setValue("output/strip", metadata_->currentData());
}

}  // namespace tessera::desktop
