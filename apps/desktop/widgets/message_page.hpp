// SPDX-License-Identifier: Apache-2.0
// Why there is no result: how far a job is, or what went wrong; with the picture it is about.
#pragma once

#include <QWidget>
#include <optional>

#include "view/picture.hpp"

class QLabel;
class QProgressBar;

namespace tessera::desktop {

class CompareView;

class MessagePage : public QWidget {
  Q_OBJECT

 public:
  explicit MessagePage(QWidget* parent = nullptr);

  enum class Kind { progress, failure };
  /// `fraction`: of the work, 0..1; nothing where none is being done.
  void set_message(Kind kind, const QString& title, const QString& text, std::optional<double> fraction);
  void set_picture(const Picture& picture);
  /// Instead of a picture. Where nothing can be shown at all, an empty text hides the place.
  void set_picture_placeholder(const QString& text);

 private:
  QLabel* title_;
  QLabel* text_;
  QProgressBar* bar_;
  CompareView* picture_;
};

}  // namespace tessera::desktop
