#include "backup/part.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "backup/part_inside.h"

void part_path(uint32_t number, Text *ret)
{
    text_append_format(ret, "data/%04" PRIu32 ".tar.zst", number);
}

bool part_name_is_safe(const char *name)
{
    size_t size = strlen(name);

    if (size == 0 || size > PART_MAX_NAME)
        return false;
    for (;;) {
        size_t length = strcspn(name, "/");

        if (length == 0 || strncmp(name, ".", length) == 0 ||
            (length == 2 && strncmp(name, "..", length) == 0))
            return false;
        if (name[length] == '\0')
            return true;
        name += length + 1;
    }
}

Status part_append_end(FrameWriter *frame, Error *err)
{
    static const uint8_t zeros[TAR_END_SIZE];

    TRY(frame_writer_begin(frame, FRAME_MIN_LEVEL, sizeof(zeros), err));
    TRY(frame_writer_write(frame, zeros, sizeof(zeros), err));
    return frame_writer_end(frame, err);
}

static pthread_once_t locales_once = PTHREAD_ONCE_INIT;
static locale_t utf8;
static locale_t bytes;

static void make_locales(void)
{
    utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    bytes = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
}

/* uselocale(0), should there be no such locale, changes nothing. */
static locale_t enter(const locale_t *locale)
{
    (void)pthread_once(&locales_once, make_locales); /* fails only for an unusable locales_once */
    return uselocale(*locale);
}

locale_t enter_utf8(void)
{
    return enter(&utf8);
}

locale_t enter_bytes(void)
{
    return enter(&bytes);
}
