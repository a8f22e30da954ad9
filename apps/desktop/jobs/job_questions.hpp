// SPDX-License-Identifier: Apache-2.0
// What the user is asked before something happens that cannot be taken back. True: it may happen.
#pragma once

#include <QString>

class QWidget;

namespace tessera::desktop {

/// Jobs that are under way would be stopped.
[[nodiscard]] bool may_cancel(qsizetype jobs, QWidget* window);
/// Results would be gone that the user has no copy of.
[[nodiscard]] bool may_forget_unsaved(qsizetype results, QWidget* window);
/// Jobs of a server would not be shown any more.
[[nodiscard]] bool may_leave_server(const QString& address, int jobs_under_way, QWidget* window);
/// The program would end, and with it for the time being: images being processed here, and images being sent.
[[nodiscard]] bool may_close(int processed_here, int unsent, QWidget* window);

}  // namespace tessera::desktop
