// SPDX-License-Identifier: Apache-2.0
// Small pictures of jobs, made on other threads for those rows that are looked at.
#pragma once

#include <QHash>
#include <QImage>
#include <QObject>
#include <QSize>
#include <QThreadPool>
#include <stop_token>

namespace tessera::desktop {

class Thumbnails : public QObject {
  Q_OBJECT

 public:
  explicit Thumbnails(QSize size, QObject* parent = nullptr);
  ~Thumbnails() override;
  /// Has made() emitted, soon or later, once for each key and file; what was wanted last is made first. A
  /// file that cannot be shown stays without.
  void want(const QString& key, const QString& file);

 Q_SIGNALS:
  void made(const QString& key, const QImage& image);

 private:
  QSize size_;
  QHash<QString, QString> wanted_;  ///< file by key
  int order_ = 0;
  std::stop_source stop_;
  QThreadPool workers_;
};

}  // namespace tessera::desktop
