// SPDX-License-Identifier: Apache-2.0
#include "window/theme.hpp"

#include <QApplication>
#include <QSettings>
#include <QStyle>
#include <QStyleFactory>
#include <QStyleHints>
#include <QVariant>

namespace tessera::desktop {
namespace {

constexpr const char* theme_key = "window/theme";
constexpr const char* system_palette = "tessera-system-palette";
constexpr const char* system_style = "tessera-system-style";

struct Colors {
  QColor window, base, alternate, text, quiet, button, mid, light, shadow, highlight, link;
};

QPalette palette_of(const Colors& colors) {
  QPalette palette;
  palette.setColor(QPalette::Window, colors.window);
  palette.setColor(QPalette::WindowText, colors.text);
  palette.setColor(QPalette::Base, colors.base);
  palette.setColor(QPalette::AlternateBase, colors.alternate);
  palette.setColor(QPalette::Text, colors.text);
  palette.setColor(QPalette::PlaceholderText, colors.quiet);
  palette.setColor(QPalette::Button, colors.button);
  palette.setColor(QPalette::ButtonText, colors.text);
  palette.setColor(QPalette::BrightText, QColor(0xff, 0x60, 0x50));
  palette.setColor(QPalette::Light, colors.light);
  palette.setColor(QPalette::Midlight, colors.light);
  palette.setColor(QPalette::Mid, colors.mid);
  palette.setColor(QPalette::Dark, colors.mid.darker(130));
  palette.setColor(QPalette::Shadow, colors.shadow);
  palette.setColor(QPalette::Highlight, colors.highlight);
  palette.setColor(QPalette::HighlightedText, Qt::white);
  palette.setColor(QPalette::Link, colors.link);
  palette.setColor(QPalette::LinkVisited, colors.link);
  palette.setColor(QPalette::ToolTipBase, colors.base);
  palette.setColor(QPalette::ToolTipText, colors.text);
  for (const auto role :
       {QPalette::WindowText, QPalette::Text, QPalette::ButtonText, QPalette::HighlightedText}) {
    QColor faint = colors.text;
    faint.setAlphaF(0.4F);
    palette.setColor(QPalette::Disabled, role, faint);
  }
  palette.setColor(QPalette::Disabled, QPalette::Highlight, colors.mid);
  return palette;
}

QPalette light_palette() {
  return palette_of({{0xf3, 0xf4, 0xf5},
                     {0xff, 0xff, 0xff},
                     {0xf7, 0xf8, 0xf9},
                     {0x1e, 0x22, 0x26},
                     {0x6a, 0x71, 0x78},
                     {0xf8, 0xf9, 0xfa},
                     {0xc4, 0xc8, 0xcc},
                     {0xff, 0xff, 0xff},
                     {0x90, 0x95, 0x9a},
                     {0x2f, 0x74, 0xb0},
                     {0x1f, 0x66, 0xa5}});
}

QPalette dark_palette() {
  return palette_of({{0x34, 0x37, 0x3a},
                     {0x1f, 0x21, 0x23},
                     {0x25, 0x27, 0x29},
                     {0xe4, 0xe6, 0xe8},
                     {0x9b, 0xa2, 0xa8},
                     {0x44, 0x48, 0x4c},
                     {0x56, 0x5b, 0x60},
                     {0x52, 0x57, 0x5c},
                     {0x10, 0x11, 0x12},
                     {0x2f, 0x74, 0xb0},
                     {0x6f, 0xb4, 0xe8}});
}

bool has_own_look() {
  // Where no desktop provides a palette and style, Qt falls back to Fusion's gray; ours is kinder.
  return QApplication::style()->name().compare(QStringLiteral("fusion"), Qt::CaseInsensitive) != 0;
}

}  // namespace

Theme saved_theme() {
  const QString name = QSettings().value(theme_key).toString();
  return name == "light" ? Theme::light : name == "dark" ? Theme::dark : Theme::system;
}

void save_theme(Theme theme) {
  QSettings().setValue(theme_key, theme == Theme::light ? "light" : theme == Theme::dark ? "dark" : "system");
}

void apply_theme(Theme theme) {
  if (!qApp->property(system_palette).isValid()) {
    qApp->setProperty(system_palette, QApplication::palette());
    qApp->setProperty(system_style, has_own_look() ? QApplication::style()->name() : QString());
  }
  const QString own_style = qApp->property(system_style).toString();
  const auto own_palette = qApp->property(system_palette).value<QPalette>();
  if (theme == Theme::system && !own_style.isEmpty()) {
    QApplication::setStyle(own_style);
    QApplication::setPalette(own_palette);
    return;
  }
  const bool dark = theme == Theme::dark ||
                    (theme == Theme::system && own_palette.color(QPalette::Window).lightness() < 128);
  QApplication::setStyle(QStyleFactory::create(QStringLiteral("fusion")));
  QApplication::setPalette(dark ? dark_palette() : light_palette());
}

}  // namespace tessera::desktop
