// SPDX-License-Identifier: Apache-2.0
#include "window/output_form.hpp"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QSettings>
#include <QSpinBox>
#include <QVBoxLayout>
#include <algorithm>

#include "catalog/names.hpp"
#include "codec/writer.hpp"

namespace tessera::desktop {
namespace {

constexpr const char* format_key = "output/extension";

}  // namespace

OutputForm::OutputForm(QWidget* parent) : QWidget(parent) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(6);
  auto* row = new QHBoxLayout;
  row->setSpacing(6);
  auto* label = new QLabel(tr("Save as"));
  row->addWidget(label);
  format_ = new QComboBox;
  // Without an extension: each as its original, or PNG where such files are not written.
  format_->addItem(tr("As the original"), QString());
  for (const FileFormatInfo& choice : file_format_table) {
    format_->addItem(to_qstring(choice.name), to_qstring(choice.extension));
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
  format_->setCurrentIndex(std::max(0, format_->findData(settings.value(format_key).toString())));
  quality_->setValue(settings.value("output/quality", WriteOptions{}.quality).toInt());
  // Kept under the name and in the kinds of earlier versions, where it was yes or no.
  const QString strip = settings.value("output/strip", false).toString();
  metadata_->setCurrentIndex(strip == QStringLiteral("location") ? 1
                                                                 : (strip == QStringLiteral("true") ? 2 : 0));
  connect(format_, &QComboBox::currentIndexChanged, this, &OutputForm::update_quality);
  update_quality();
}

bool OutputForm::may_be_lossy() const {
  const auto format = format_from_extension(format_->currentData().toString().toStdString());
  return !format || format_info(*format).lossy;
}

void OutputForm::update_quality() {
  const bool lossy = may_be_lossy();
  quality_->setEnabled(lossy);
  quality_label_->setEnabled(lossy);
}

Json OutputForm::output() const {
  Json output = Json::object();
  if (const QString extension = format_->currentData().toString(); !extension.isEmpty()) {
    output["format"] = extension.toStdString();
  }
  if (may_be_lossy()) {
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
  settings.setValue(format_key, format_->currentData());
  settings.setValue("output/quality", quality_->value());
  settings.setValue("output/strip", metadata_->currentData());
}

}  // namespace tessera::desktop
