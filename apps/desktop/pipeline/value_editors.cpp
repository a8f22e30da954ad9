// SPDX-License-Identifier: Apache-2.0
#include "pipeline/value_editors.hpp"

#include <QCheckBox>
#include <QColorDialog>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QPainter>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSlider>
#include <QSpinBox>
#include <QToolButton>
#include <QWheelEvent>
#include <algorithm>
#include <cmath>

#include "catalog/names.hpp"
#include "view/icons.hpp"

namespace tessera::desktop {
namespace {

constexpr int slider_steps = 1000;
/// Where the slider's end is so many times its beginning, each part of the way is a factor rather than a
/// distance.
constexpr double logarithmic_from = 40;
constexpr int entry_width_px = 96;

bool is_logarithmic(const Limits& limits) {
  return limits.slider_min > 0 && limits.slider_max / limits.slider_min >= logarithmic_from;
}

/// In a scrolled form, the wheel scrolls unless the entry was clicked first.
template <class Base>
class QuietWheel : public Base {
 public:
  using Base::Base;

 protected:
  void wheelEvent(QWheelEvent* event) override {
    if (this->hasFocus()) {
      Base::wheelEvent(event);
    } else {
      event->ignore();
    }
  }
};

class SliderOnly : public QuietWheel<QSlider> {
 public:
  using QuietWheel<QSlider>::QuietWheel;

 protected:
  void wheelEvent(QWheelEvent* event) override { event->ignore(); }
};

/// Numbers that come from a slider are round.
int slider_decimals(const ParamInfo& param) {
  const double span = param.limits.slider_max - param.limits.slider_min;
  return span <= 20 ? 2 : 1;
}

/// Takes four decimals, and shows as many as there are.
class NumberSpinBox : public QuietWheel<QDoubleSpinBox> {
 public:
  explicit NumberSpinBox() { setDecimals(4); }
  [[nodiscard]] QString textFromValue(double value) const override {
    return locale().toString(value, 'f', QLocale::FloatingPointShortest);
  }
};

class OddSpinBox : public QuietWheel<QSpinBox> {
 public:
  using QuietWheel<QSpinBox>::QuietWheel;
  void set_odd(bool odd) {
    odd_ = odd;
    setSingleStep(odd ? 2 : 1);
  }
  void fixup(QString& text) const override { text = QString::number(value()); }
  QValidator::State validate(QString& text, int& position) const override {
    const QValidator::State state = QSpinBox::validate(text, position);
    return state == QValidator::Acceptable && odd_ && valueFromText(text) % 2 == 0 ? QValidator::Intermediate
                                                                                   : state;
  }

 private:
  bool odd_ = false;
};

QString suffix_of(const ParamInfo& param) {
  const std::string_view unit = param.limits.unit;
  if (unit.empty()) {
    return {};
  }
  return unit == "degrees" ? unit_text(unit) : " " + unit_text(unit);
}

class NumberEditor final : public ValueEditor {
 public:
  NumberEditor(const ParamInfo& param, QWidget* parent) : ValueEditor(parent), param_(param) {
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(8);
    slider_ = new SliderOnly(Qt::Horizontal);
    slider_->setRange(0, slider_steps);
    slider_->setPageStep(slider_steps / 10);
    slider_->setSingleStep(slider_steps / 100);
    slider_->setAccessibleName(title_of(param.name));
    row->addWidget(slider_, 1);
    if (param.type == ParamType::integer) {
      integer_ = new OddSpinBox;
      integer_->set_odd(param.limits.odd);
      integer_->setRange(static_cast<int>(param.limits.min), static_cast<int>(param.limits.max));
      connect(integer_, &QSpinBox::valueChanged, this, [this](int value) { edited(value, true); });
      add_entry(row, integer_);
    } else {
      number_ = new NumberSpinBox;
      number_->setRange(param.limits.min, param.limits.max);
      number_->setSingleStep(std::pow(10.0, 1 - slider_decimals(param)));
      connect(number_, &QDoubleSpinBox::valueChanged, this, [this](double value) { edited(value, true); });
      add_entry(row, number_);
    }
    connect(slider_, &QSlider::valueChanged, this, [this](int position) {
      double value = slider_value(param_, position, slider_steps);
      if (number_ != nullptr) {
        const double factor = std::pow(10.0, slider_decimals(param_));
        value = std::round(value * factor) / factor;
      }
      edited(value, false);
    });
    connect(slider_, &QSlider::sliderReleased, this, &ValueEditor::edit_finished);
  }

  void set_value(const Json& value) override { show(value.get<double>(), true, true); }

 private:
  void add_entry(QHBoxLayout* row, QAbstractSpinBox* entry) {
    entry->setFixedWidth(entry_width_px);
    entry->setKeyboardTracking(false);
    entry->setAlignment(Qt::AlignRight);
    entry->setAccelerated(true);
    entry->setFocusPolicy(Qt::StrongFocus);
    entry->setAccessibleName(title_of(param_.name));
    entry->setAccessibleDescription(QString::fromStdString(param_.doc));
    if (integer_ != nullptr) {
      integer_->setSuffix(suffix_of(param_));
    } else {
      number_->setSuffix(suffix_of(param_));
    }
    connect(entry, &QAbstractSpinBox::editingFinished, this, &ValueEditor::edit_finished);
    row->addWidget(entry);
    setFocusProxy(entry);
  }

  void show(double value, bool slider, bool entry) {
    const QSignalBlocker quiet_slider(slider_);
    if (slider && !slider_->isSliderDown()) {
      slider_->setValue(slider_position(param_, value, slider_steps));
    }
    if (entry && integer_ != nullptr) {
      const QSignalBlocker quiet(integer_);
      integer_->setValue(static_cast<int>(value));
    }
    if (entry && number_ != nullptr) {
      const QSignalBlocker quiet(number_);
      number_->setValue(value);
    }
  }

  void edited(double value, bool by_entry) {
    show(value, by_entry, !by_entry);
    if (param_.type == ParamType::integer) {
      Q_EMIT value_edited(static_cast<std::int64_t>(value));
    } else {
      Q_EMIT value_edited(value);
    }
  }

  ParamInfo param_;
  QSlider* slider_ = nullptr;
  OddSpinBox* integer_ = nullptr;
  QDoubleSpinBox* number_ = nullptr;
};

class BooleanEditor final : public ValueEditor {
 public:
  BooleanEditor(const ParamInfo& param, QWidget* parent) : ValueEditor(parent) {
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    box_ = new QCheckBox(title_of(param.name));
    box_->setAccessibleDescription(QString::fromStdString(param.doc));
    row->addWidget(box_);
    setFocusProxy(box_);
    connect(box_, &QCheckBox::toggled, this, [this](bool on) {
      Q_EMIT value_edited(on);
      Q_EMIT edit_finished();
    });
  }
  void set_value(const Json& value) override {
    const QSignalBlocker quiet(box_);
    box_->setChecked(value.get<bool>());
  }

 private:
  QCheckBox* box_;
};

class ChoiceEditor final : public ValueEditor {
 public:
  ChoiceEditor(const ParamInfo& param, QWidget* parent) : ValueEditor(parent) {
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    box_ = new QuietWheel<QComboBox>;
    box_->setFocusPolicy(Qt::StrongFocus);
    for (const std::string& choice : param.choices) {
      box_->addItem(title_of(choice), QString::fromStdString(choice));
    }
    box_->setAccessibleName(title_of(param.name));
    box_->setAccessibleDescription(QString::fromStdString(param.doc));
    row->addWidget(box_);
    setFocusProxy(box_);
    connect(box_, &QComboBox::activated, this, [this] {
      Q_EMIT value_edited(box_->currentData().toString().toStdString());
      Q_EMIT edit_finished();
    });
  }
  void set_value(const Json& value) override {
    box_->setCurrentIndex(box_->findData(QString::fromStdString(value.get<std::string>())));
  }

 private:
  QComboBox* box_;
};

class TextEditor final : public ValueEditor {
 public:
  TextEditor(const ParamInfo& param, bool names_image, QWidget* parent) : ValueEditor(parent) {
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    line_ = new QLineEdit;
    line_->setAccessibleName(title_of(param.name));
    line_->setAccessibleDescription(QString::fromStdString(param.doc));
    line_->setClearButtonEnabled(true);
    row->addWidget(line_);
    setFocusProxy(line_);
    const auto tell = [this] { Q_EMIT value_edited(line_->text().toStdString()); };
    connect(line_, &QLineEdit::editingFinished, this, &ValueEditor::edit_finished);
    if (!names_image) {
      connect(line_, &QLineEdit::textEdited, this, tell);
      connect(line_, &QLineEdit::textChanged, this, [tell](const QString& text) {
        if (text.isEmpty()) {
          tell();  // the clear button
        }
      });
      return;
    }
    line_->setPlaceholderText(tr("No image chosen"));
    connect(line_, &QLineEdit::editingFinished, this, tell);
    auto* browse = new QToolButton;
    browse->setIcon(icon(Icon::folder));
    browse->setToolTip(tr("Choose an image"));
    browse->setAccessibleName(browse->toolTip());
    row->addWidget(browse);
    connect(browse, &QToolButton::clicked, this, [this, tell] {
      const QString file = QFileDialog::getOpenFileName(this, tr("Choose an image"), line_->text());
      if (!file.isEmpty()) {
        line_->setText(file);
        tell();
        Q_EMIT edit_finished();
      }
    });
  }
  void set_value(const Json& value) override {
    const QString text = QString::fromStdString(value.get<std::string>());
    if (text != line_->text()) {
      const QSignalBlocker quiet(line_);
      line_->setText(text);
    }
  }

 private:
  QLineEdit* line_;
};

class ColorEditor final : public ValueEditor {
 public:
  ColorEditor(const ParamInfo& param, QWidget* parent) : ValueEditor(parent) {
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    button_ = new QPushButton;
    button_->setAccessibleName(title_of(param.name));
    button_->setAccessibleDescription(QString::fromStdString(param.doc));
    button_->setIconSize({28, 16});
    row->addWidget(button_);
    setFocusProxy(button_);
    row->addStretch(1);
    connect(button_, &QPushButton::clicked, this, [this, title = title_of(param.name)] {
      const QColor chosen = QColorDialog::getColor(color_, this, title);
      if (chosen.isValid()) {
        Q_EMIT value_edited(chosen.name().toStdString());
        Q_EMIT edit_finished();
      }
    });
  }
  void set_value(const Json& value) override {
    const Color color = color_from_text(value.get_ref<const std::string&>());
    color_ = QColor(color.red, color.green, color.blue);
    const QSize size = button_->iconSize();
    QPixmap swatch(size * devicePixelRatioF());
    swatch.setDevicePixelRatio(devicePixelRatioF());
    swatch.fill(color_);
    QPainter painter(&swatch);
    painter.setPen(QColor(128, 128, 128));
    painter.drawRect(QRect(QPoint(0, 0), size).adjusted(0, 0, -1, -1));
    painter.end();
    button_->setIcon(swatch);
    button_->setText(color_.name());
  }

 private:
  QPushButton* button_;
  QColor color_;
};

}  // namespace

int slider_position(const ParamInfo& param, double value, int steps) {
  const Limits& limits = param.limits;
  const double inside = std::clamp(value, limits.slider_min, limits.slider_max);
  const double part =
      is_logarithmic(limits)
          ? std::log(inside / limits.slider_min) / std::log(limits.slider_max / limits.slider_min)
          : (inside - limits.slider_min) / (limits.slider_max - limits.slider_min);
  return static_cast<int>(std::lround(part * steps));
}

double slider_value(const ParamInfo& param, int position, int steps) {
  const Limits& limits = param.limits;
  const double part = static_cast<double>(position) / steps;
  const double value = is_logarithmic(limits)
                           ? limits.slider_min * std::pow(limits.slider_max / limits.slider_min, part)
                           : limits.slider_min + part * (limits.slider_max - limits.slider_min);
  if (param.type != ParamType::integer) {
    return value;
  }
  return limits.odd ? 2 * std::round((value - 1) / 2) + 1 : std::round(value);
}

ValueEditor* make_value_editor(const ParamInfo& param, bool names_image, QWidget* parent) {
  switch (param.type) {
    case ParamType::number:
    case ParamType::integer:
      return new NumberEditor(param, parent);
    case ParamType::boolean:
      return new BooleanEditor(param, parent);
    case ParamType::choice:
      return new ChoiceEditor(param, parent);
    case ParamType::text:
      return new TextEditor(param, names_image, parent);
    case ParamType::color:
      return new ColorEditor(param, parent);
  }
  return nullptr;
}

}  // namespace tessera::desktop
