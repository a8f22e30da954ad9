// SPDX-License-Identifier: Apache-2.0
#include <QApplication>
#include <QCommandLineParser>
#include <QFile>
#include <opencv2/core/utility.hpp>

#include "window/main_window.hpp"
#include "window/theme.hpp"

int main(int argc, char** argv) {
  // Threads are the engine's.
  cv::setNumThreads(1);
  QApplication app(argc, argv);
  QCoreApplication::setOrganizationName("tessera");
  QCoreApplication::setApplicationName("tessera-desktop");
  QCoreApplication::setApplicationVersion(TESSERA_VERSION);
  QGuiApplication::setApplicationDisplayName("Tessera");
  QGuiApplication::setDesktopFileName("tessera-desktop");
  QCommandLineParser parser;
  parser.setApplicationDescription(
      QCoreApplication::translate("main", "Processes images, and shows it beforehand."));
  parser.addPositionalArgument(
      "images", QCoreApplication::translate("main", "Images and folders to begin with."), "[images...]");
  parser.addHelpOption();
  parser.addVersionOption();
  parser.process(app);
  tessera::desktop::apply_theme(tessera::desktop::saved_theme());
  tessera::desktop::MainWindow window;
  window.show();
  std::vector<std::filesystem::path> paths;
  const QStringList images = parser.positionalArguments();
  for (const QString& image : images) {
    paths.emplace_back(QFile::encodeName(image).toStdString());
  }
  window.add_images(paths);
  return QApplication::exec();
}
