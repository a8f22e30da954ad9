// The window: pages to edit and to follow jobs.
#pragma once

#include <QMainWindow>

namespace tessera::desktop {

class MainWindow : public QMainWindow {
  Q_OBJECT

 public:
  explicit MainWindow(QWidget* parent = nullptr);
};

}  // namespace tessera::desktop
