// SPDX-License-Identifier: Apache-2.0
// What the shared library shows; everything else in it is hidden.
#pragma once

#define TESSERA_API __attribute__((visibility("default")))
