/* flash.c: raw flash whose content outlives a guest that is killed; a kernel module for Linux 6.1.
 *
 *   insmod flash.ko path=/dev/vda [page=2048] [erase=65536]
 *
 * makes mtd0 of a block device. Without `page` it is NOR: any byte may be written at any time, a write only
 * clears bits, and only erasing a block of `erase` bytes sets them. With `page` it is NAND: whole pages, each of
 * them written once between two erasures.
 *
 * Linux' own block2mtd leaves what it was given in the page cache, so a kill takes it away. Here nothing is
 * cached: a write is at the device when it returns, PIECE bytes after PIECE bytes in their order. A machine that is
 * killed in the middle therefore leaves a page half written, or a block half erased, as a cut of the power does.
 *
 * What it counts is in /sys/module/flash/parameters: `written` and `erased` in bytes, `worst`, the most erasures
 * of one block since it was loaded. `broken` counts writes that the kind of flash forbids. */
#include <linux/blkdev.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/mtd/mtd.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#define PIECE 512 /* bytes that go to the device at once when writing */

static char *path = "/dev/vda";
static uint page, erase = 65536;
static ulong written, erased, worst, broken;
module_param(path, charp, 0444);
module_param(page, uint, 0444);
module_param(erase, uint, 0444);
module_param(written, ulong, 0444);
module_param(erased, ulong, 0444);
module_param(worst, ulong, 0444);
module_param(broken, ulong, 0444);

static struct block_device *device;
static struct mtd_info flash;
static struct page *bounce;
static u8 *bytes; /* of bounce */
static u32 *erasures; /* of each block */
static DEFINE_MUTEX(turn);

/* Moves LENGTH bytes between bounce and the device, from AT on; both are multiples of 512. */
static int transfer(blk_opf_t operation, loff_t at, size_t length)
{
	unsigned int flags = memalloc_noio_save();
	struct bio *bio = bio_alloc(device, 1, operation, GFP_NOIO);
	int error;

	bio->bi_iter.bi_sector = at >> SECTOR_SHIFT;
	bio_add_page(bio, bounce, length, 0);
	error = submit_bio_wait(bio);
	bio_put(bio);
	memalloc_noio_restore(flags);
	return error;
}

static int flash_read(struct mtd_info *mtd, loff_t from, size_t length, size_t *done, u_char *to)
{
	int error = 0;

	*done = 0;
	mutex_lock(&turn);
	while (length && !error) {
		size_t skip = from & (PIECE - 1), n = min_t(size_t, length, PAGE_SIZE - skip);

		error = transfer(REQ_OP_READ, from - skip, ALIGN(skip + n, PIECE));
		if (!error)
			memcpy(to, bytes + skip, n);
		from += n, to += n, length -= n, *done += n;
	}
	mutex_unlock(&turn);
	return error;
}

/* Writes N bytes inside one piece: a bit that is clear stays clear. */
static int program(loff_t to, const u_char *from, size_t n)
{
	size_t skip = to & (PIECE - 1), i;
	int error = transfer(REQ_OP_READ, to - skip, PIECE);

	for (i = 0; i < n && !error; i++) {
		if (page ? bytes[skip + i] != 0xff : from[i] & ~bytes[skip + i])
			broken++;
		bytes[skip + i] &= from[i];
	}
	return error ? error : transfer(REQ_OP_WRITE | REQ_SYNC | REQ_FUA, to - skip, PIECE);
}

static int flash_write(struct mtd_info *mtd, loff_t to, size_t length, size_t *done, const u_char *from)
{
	int error = 0;

	*done = 0;
	mutex_lock(&turn);
	while (length && !error) {
		size_t n = min_t(size_t, length, PIECE - (to & (PIECE - 1)));

		error = program(to, from, n);
		to += n, from += n, length -= n, *done += n, written += n;
	}
	mutex_unlock(&turn);
	return error;
}

static int flash_erase(struct mtd_info *mtd, struct erase_info *what)
{
	loff_t at = what->addr, end = what->addr + what->len;
	int error = 0;

	mutex_lock(&turn);
	for (; at < end && !error; at += PAGE_SIZE) {
		if ((size_t)at % erase == 0)
			worst = max_t(ulong, worst, ++erasures[(size_t)at / erase]);
		memset(bytes, 0xff, PAGE_SIZE);
		error = transfer(REQ_OP_WRITE | REQ_SYNC | REQ_FUA, at, PAGE_SIZE);
		erased += PAGE_SIZE;
	}
	mutex_unlock(&turn);
	return error;
}

/* NAND's blocks can go bad; these don't. */
static int flash_bad(struct mtd_info *mtd, loff_t at)
{
	return 0;
}

static void describe(size_t size)
{
	flash.name = "flash";
	flash.type = page ? MTD_NANDFLASH : MTD_NORFLASH;
	flash.flags = page ? MTD_CAP_NANDFLASH : MTD_CAP_NORFLASH;
	flash.size = size;
	flash.erasesize = erase;
	flash.writesize = page ? page : 1;
	flash.writebufsize = page ? page : 256;
	flash._read = flash_read;
	flash._write = flash_write;
	flash._erase = flash_erase;
	flash._block_isbad = page ? flash_bad : NULL;
	flash.owner = THIS_MODULE;
}

static int __init flash_init(void)
{
	size_t size;
	int error;

	device = blkdev_get_by_path(path, FMODE_READ | FMODE_WRITE | FMODE_EXCL, &flash);
	if (IS_ERR(device))
		return PTR_ERR(device);
	size = bdev_nr_bytes(device);
	bounce = alloc_page(GFP_KERNEL);
	erasures = kcalloc(size / erase, sizeof *erasures, GFP_KERNEL);
	error = -ENOMEM;
	if (bounce && erasures) {
		bytes = page_address(bounce);
		describe(size);
		error = mtd_device_register(&flash, NULL, 0);
	}
	if (!error)
		return 0;
	if (bounce)
		__free_page(bounce);
	kfree(erasures);
	blkdev_put(device, FMODE_READ | FMODE_WRITE | FMODE_EXCL);
	return error;
}
module_init(flash_init);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("flash on a block device, every write through");
