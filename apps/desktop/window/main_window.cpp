#include "window/main_window.hpp"

#include "view/compare_view.hpp"

namespace tessera::desktop {

MainWindow::MainWindow(QWidget* parent) : QMainWindow(parent) {
  setWindowTitle(tr("Tessera"));
  setCentralWidget(new CompareView);
  resize(1200, 780);
}

}  // namespace tessera::desktop
