// SPDX-License-Identifier: Apache-2.0
#include "jobs/job_questions.hpp"

#include <QCoreApplication>
#include <QMessageBox>
#include <QPushButton>
#include <QStringList>

namespace tessera::desktop {
namespace {

QString tr(const char* text) { return QCoreApplication::translate("JobQuestions", text); }

}  // namespace

bool may_cancel(qsizetype jobs, QWidget* window) {
  return QMessageBox::question(window, tr("Cancel"), tr("Stop %1 jobs that are not done yet?").arg(jobs),
                               QMessageBox::Yes | QMessageBox::No) == QMessageBox::Yes;
}

bool may_forget_unsaved(qsizetype results, QWidget* window) {
  QMessageBox box(
      QMessageBox::Question, tr("Remove from the list"),
      results == 1 ? tr("1 result has not been saved.") : tr("%1 results have not been saved.").arg(results),
      {}, window);
  box.setInformativeText(tr("They cannot be saved once they are out of the list."));
  const auto* const remove = box.addButton(tr("Remove"), QMessageBox::DestructiveRole);
  box.setDefaultButton(box.addButton(QMessageBox::Cancel));
  box.exec();
  return box.clickedButton() == remove;
}

bool may_leave_server(const QString& address, int jobs_under_way, QWidget* window) {
  const QString text =
      jobs_under_way == 1
          ? tr("1 job is under way on '%1'. It goes on there, but is not shown until you change back to it.")
                .arg(address)
          : tr("%1 jobs are under way on '%2'. They go on there, but are not shown until you change back to "
               "it.")
                .arg(jobs_under_way)
                .arg(address);
  return QMessageBox::question(window, tr("Another server"), text, QMessageBox::Ok | QMessageBox::Cancel) ==
         QMessageBox::Ok;
}

bool may_close(int processed_here, int unsent, QWidget* window) {
  QStringList sentences;
  if (processed_here == 1) {
    sentences +=
        tr("1 image is being processed on this computer. It stops now, and begins anew when you open Tessera "
           "again.");
  } else if (processed_here > 1) {
    sentences += tr("%1 images are being processed on this computer. They stop now, and begin anew when you "
                    "open Tessera again.")
                     .arg(processed_here);
  }
  if (unsent == 1) {
    sentences += tr("1 image is not sent to the server yet. It will be when you open Tessera again.");
  } else if (unsent > 1) {
    sentences +=
        tr("%1 images are not sent to the server yet. They will be when you open Tessera again.").arg(unsent);
  }
  if (sentences.isEmpty()) {
    return true;
  }
  QMessageBox box(QMessageBox::Question, tr("Close Tessera?"), sentences.join("\n\n"), {}, window);
  const auto* const close = box.addButton(tr("Close"), QMessageBox::AcceptRole);
  box.setDefaultButton(box.addButton(tr("Keep open"), QMessageBox::RejectRole));
  box.exec();
  return box.clickedButton() == close;
}

}  // namespace tessera::desktop
