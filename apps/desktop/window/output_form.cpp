#include "window/output_form.hpp"

#include <QCheckBox>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QSettings>
#include <QSpinBox>
#include <QVBoxLayout>
#include <algorithm>
#include <array>

#include "codec/writer.hpp"

namespace tessera::desktop {
namespace {

struct FormatChoice {
  FileFormat format;
  const char* title;
  bool lossy;
};

constexpr std::array formats{
    FormatChoice{FileFormat::png, "PNG", false}, FormatChoice{FileFormat::jpeg, "JPEG", true},
    FormatChoice{FileFormat::tiff, "TIFF", false}, FormatChoice{FileFormat::webp, "WebP", true}};

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
  for (const FormatChoice& choice : formats) {
    format_->addItem(QString::fromLatin1(choice.title));
  }
  format_->setAccessibleName(tr("Format of the results"));
  label->setBuddy(format_);
  row->addWidget(format_);
  row->addStretch(1);
  quality_label_ = new QLabel(tr("Quality"));
  row->addWidget(quality_label_);
  quality_ = new QSpinBox;
  quality_->setRange(1, 100);
  quality_->setAccessibleName(tr("Quality"));
  quality_->setToolTip(tr("1 to 100: higher looks better and takes more space"));
  quality_label_->setBuddy(quality_);
  row->addWidget(quality_);
  column->addLayout(row);
  strip_ = new QCheckBox(tr("Leave out colour profile and camera data"));
  strip_->setToolTip(tr("Results carry neither ICC profile nor EXIF and XMP, such as place and time"));
  column->addWidget(strip_);

  const QSettings settings;
  format_->setCurrentIndex(std::clamp(settings.value("output/format", 0).toInt(), 0, format_->count() - 1));
  quality_->setValue(settings.value("output/quality", WriteOptions{}.quality).toInt());
  strip_->setChecked(settings.value("output/strip", false).toBool());
  connect(format_, &QComboBox::currentIndexChanged, this, &OutputForm::update_quality);
  update_quality();
}

void OutputForm::update_quality() {
  const bool lossy = formats.at(static_cast<std::size_t>(format_->currentIndex())).lossy;
  quality_->setEnabled(lossy);
  quality_label_->setEnabled(lossy);
}

Json OutputForm::output() const {
  const FormatChoice& choice = formats.at(static_cast<std::size_t>(format_->currentIndex()));
  Json output{{"format", std::string(format_extension(choice.format))}};
  if (choice.lossy) {
    output["quality"] = quality_->value();
  }
  if (strip_->isChecked()) {
    output["strip"] = true;
  }
  return output;
}

void OutputForm::save() const {
  QSettings settings;
  settings.setValue("output/format", format_->currentIndex());
  settings.setValue("output/quality", quality_->value());
  settings.setValue("output/strip", strip_->isChecked());
}

}  // namespace tessera::desktop
