#include <QApplication>

#include "window/main_window.hpp"

int main(int argc, char** argv) {
  QApplication app(argc, argv);
  QCoreApplication::setOrganizationName("tessera");
  QCoreApplication::setApplicationName("tessera-desktop");
  QGuiApplication::setApplicationDisplayName("Tessera");
  tessera::desktop::MainWindow window;
  window.show();
  return QApplication::exec();
}
