// SPDX-License-Identifier: Apache-2.0
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>

// Macros with casts do not import into Swift.
static inline int flow_averror(int error) { return AVERROR(error); }
static inline int flow_averror_eof(void) { return AVERROR_EOF; }
