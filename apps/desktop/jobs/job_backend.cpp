#include "jobs/job_backend.hpp"

#include <QTimer>

#include "jobs/job_book.hpp"

namespace tessera::desktop {

void JobBackend::tell_of(JobBook& book) {
  connect(&book, &JobBook::changed, this, &JobBackend::jobs_changed);
  connect(&book, &JobBook::removed, this, &JobBackend::jobs_forgotten);
  // Told once somebody can hear it.
  QTimer::singleShot(0, this, [this, &book] {
    for (const QString& problem : book.problems()) {
      Q_EMIT trouble({}, problem);
    }
  });
  connect(&book, &JobBook::write_failed, this,
          [this](const QString& sentence) { Q_EMIT trouble(QString(), sentence); });
}

}  // namespace tessera::desktop
