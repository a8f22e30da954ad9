// SPDX-License-Identifier: Apache-2.0
// Definitions of connection.hpp's members. Included once for each kind of stream.
#pragma once

#include "http/connection_read.hpp"
#include "http/connection_websocket.hpp"
#include "http/connection_write.hpp"
