// SPDX-License-Identifier: Apache-2.0
// Finds the images in what was dropped, in the background.
#pragma once

#include <QObject>
#include <filesystem>
#include <thread>
#include <vector>

namespace tessera::desktop {

/// Files as they are given; of folders, all that lies in them and is an image by its content, in natural
/// order
/// ("2" before "10"). Hidden files and folders are left out.
[[nodiscard]] std::vector<std::filesystem::path> find_images(const std::vector<std::filesystem::path>& paths,
                                                             const std::stop_token& stop);

}  // namespace tessera::desktop
