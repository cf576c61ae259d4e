// Encrypted links (docs/links.md#encrypted-links), with what Mono, .NET and Unity have: no library, and nothing newer than C# 6.
using System;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

static class Hex
{
    public static byte[] Bytes(string text)
    {
        if (text == "-") return new byte[0];
        return Enumerable.Range(0, text.Length / 2).Select(i => Convert.ToByte(text.Substring(2 * i, 2), 16)).ToArray();
    }

    public static string Text(byte[] bytes)
    {
        return BitConverter.ToString(bytes).Replace("-", "").ToLowerInvariant();
    }
}

static class LinkKeys
{
    static readonly string[] bound = { "links", "pings", "ws-relay", "webrtc", "encrypted" };

    public static string Derive(string link, byte[] pairKey, byte[] shared, params System.Collections.Generic.IEnumerable<string>[] clients)
    {
        var parts = new System.Collections.Generic.List<string> { "orion-edge link 1", link };
        foreach (var client in clients)
        {
            string[] about = client.ToArray();
            string[] features = about[2].Split(',');
            parts.AddRange(new[] { about[0], about[1], string.Join(",", bound.Where(features.Contains)) });
        }
        parts.Add("open");
        byte[] info = Encoding.UTF8.GetBytes(string.Join("\n", parts));
        byte[] key = new HMACSHA256(pairKey).ComputeHash(shared);
        byte[] bytes = new byte[0], block = new byte[0];
        for (byte i = 1; i <= 4; i++)
        {
            block = new HMACSHA256(key).ComputeHash(block.Concat(info).Concat(new[] { i }).ToArray());
            bytes = bytes.Concat(block).ToArray();
        }
        // The number is unsigned, and its first byte comes first.
        ulong number = bytes.Skip(96).Take(8).Aggregate(0UL, (sum, one) => sum << 8 | one);
        string digits = (number % 100000000).ToString("D8");
        return Hex.Text(bytes.Take(96).ToArray()) + " " + digits.Substring(0, 4) + " " + digits.Substring(4);
    }
}

/// What one end sends, sealed and opened. For one thread.
sealed class Direction
{
    const int header = 13, tag = 16, most = 1201;
    /// Packets whose key stream is made at once: they come mostly in order.
    const int ahead = 8, perPacket = (most + 15) / 16 * 16;

    readonly ICryptoTransform cipher;
    readonly Cmac cmac;
    readonly byte[] blocks = new byte[ahead * perPacket];
    readonly byte[] stream = new byte[ahead * perPacket];
    readonly byte[] room = new byte[header + perPacket + 16];
    long first = long.MaxValue;

    public Direction(byte[] cipherKey, byte[] macKey)
    {
        cipher = Ciphers.Encryptor(cipherKey, CipherMode.ECB);
        cmac = new Cmac(macKey);
    }

    public byte[] Seal(byte[] link, long counter, byte kind, byte[] payload)
    {
        int end = header + 1 + payload.Length;
        byte[] packet = new byte[end + tag];
        packet[0] = 0xec;
        Buffer.BlockCopy(link, 0, packet, 1, 6);
        WriteCounter(packet, 7, counter);
        packet[header] = kind;
        Buffer.BlockCopy(payload, 0, packet, header + 1, payload.Length);
        Apply(counter, packet, header, 1 + payload.Length);
        Buffer.BlockCopy(packet, 0, room, 0, end);
        Buffer.BlockCopy(cmac.Of(room, end), 0, packet, end, tag);
        return packet;
    }

    /// What it is (one byte) and the payload; null if nobody who knows the keys has made the packet. The caller looks whether the counter is new.
    public byte[] Open(byte[] packet)
    {
        int end = packet.Length - tag;
        if (end <= header || end > header + most) return null;
        Buffer.BlockCopy(packet, 0, room, 0, end);
        byte[] made = cmac.Of(room, end);
        int difference = 0;
        for (int i = 0; i < tag; i++) difference |= made[i] ^ packet[end + i];
        if (difference != 0) return null;
        long counter = 0;
        for (int i = 0; i < 6; i++) counter = counter << 8 | packet[7 + i];
        byte[] plain = new byte[end - header];
        Buffer.BlockCopy(packet, header, plain, 0, plain.Length);
        Apply(counter, plain, 0, plain.Length);
        return plain;
    }

    void Apply(long counter, byte[] bytes, int offset, int length)
    {
        if (counter < first || counter >= first + ahead) Make(counter);
        int at = (int)(counter - first) * perPacket;
        for (int i = 0; i < length; i++) bytes[offset + i] ^= stream[at + i];
    }

    void Make(long counter)
    {
        for (int packet = 0; packet < ahead; packet++)
        {
            for (int i = 0; i < perPacket / 16; i++)
            {
                int at = packet * perPacket + 16 * i;
                WriteCounter(blocks, at + 2, counter + packet);
                blocks[at + 14] = (byte)(i >> 8);
                blocks[at + 15] = (byte)i;
            }
        }
        cipher.TransformBlock(blocks, 0, blocks.Length, stream, 0);
        first = counter;
    }

    static void WriteCounter(byte[] bytes, int at, long counter)
    {
        for (int i = 0; i < 6; i++) bytes[at + i] = (byte)(counter >> 8 * (5 - i));
    }
}

/// AES-CMAC (RFC 4493): the last block of the CBC encryption, with the last block of the message changed.
sealed class Cmac
{
    readonly ICryptoTransform cbc;
    readonly byte[] whole, filled;
    /// What the cipher adds to the next first block: its last one.
    byte[] left = new byte[16];
    readonly byte[] chained = new byte[1280];

    public Cmac(byte[] key)
    {
        cbc = Ciphers.Encryptor(key, CipherMode.CBC);
        whole = Doubled(Chained(new byte[16], 16));
        filled = Doubled(whole);
    }

    /// Changes the memory, also after these bytes up to the end of the block.
    public byte[] Of(byte[] bytes, int length)
    {
        int end = Math.Max(16, (length + 15) / 16 * 16);
        byte[] mask = whole;
        if (length != end)
        {
            mask = filled;
            Array.Clear(bytes, length, end - length);
            bytes[length] = 0x80;
        }
        for (int i = 0; i < 16; i++) bytes[end - 16 + i] ^= mask[i];
        return Chained(bytes, end);
    }

    byte[] Chained(byte[] bytes, int length)
    {
        for (int i = 0; i < 16; i++) bytes[i] ^= left[i];
        cbc.TransformBlock(bytes, 0, length, chained, 0);
        byte[] last = new byte[16];
        Buffer.BlockCopy(chained, length - 16, last, 0, 16);
        left = last;
        return last;
    }

    static byte[] Doubled(byte[] block)
    {
        byte[] result = new byte[16];
        for (int i = 0; i < 16; i++) result[i] = (byte)(block[i] << 1 | (i < 15 ? block[i + 1] >> 7 : 0));
        if ((block[0] & 0x80) != 0) result[15] ^= 0x87;
        return result;
    }
}

static class Ciphers
{
    public static ICryptoTransform Encryptor(byte[] key, CipherMode mode)
    {
        Aes aes = Aes.Create();
        aes.Mode = mode;
        aes.Padding = PaddingMode.None;
        return aes.CreateEncryptor(key, new byte[16]);
    }
}

/// Curve25519 as in RFC 7748: numbers modulo 2^255 - 19 in 16 digits of 16 bits. Which steps it takes does not depend on the key.
static class X25519
{
    public static readonly byte[] Base = new byte[] { 9 }.Concat(new byte[31]).ToArray();
    static readonly long[] ladder = Number(121665);

    public static byte[] Multiply(byte[] scalar, byte[] point)
    {
        byte[] bits = (byte[])scalar.Clone();
        bits[0] &= 248;
        bits[31] = (byte)((bits[31] & 127) | 64);
        long[] x = Unpacked(point), a = Number(1), b = (long[])x.Clone(), c = Number(0), d = Number(1);
        for (int position = 254; position >= 0; position--)
        {
            int isSet = bits[position >> 3] >> (position & 7) & 1;
            Swap(a, b, isSet);
            Swap(c, d, isSet);
            long[] sum = Added(a, c), difference = Subtracted(a, c);
            long[] cross = Product(Added(b, d), difference), other = Product(Subtracted(b, d), sum);
            long[] square = Product(sum, sum), second = Product(difference, difference);
            long[] delta = Subtracted(square, second);
            a = Product(square, second);
            c = Product(delta, Added(square, Product(delta, ladder)));
            long[] total = Added(cross, other), rest = Subtracted(cross, other);
            b = Product(total, total);
            d = Product(x, Product(rest, rest));
            Swap(a, b, isSet);
            Swap(c, d, isSet);
        }
        return Packed(Product(a, Inverse(c)));
    }

    static long[] Number(long value)
    {
        long[] result = new long[16];
        result[0] = value & 0xffff;
        result[1] = value >> 16;
        return result;
    }

    static void Swap(long[] one, long[] other, int isSet)
    {
        for (int i = 0; i < 16; i++)
        {
            long change = -isSet & (one[i] ^ other[i]);
            one[i] ^= change;
            other[i] ^= change;
        }
    }

    static long[] Unpacked(byte[] bytes)
    {
        long[] result = new long[16];
        for (int i = 0; i < 16; i++) result[i] = bytes[2 * i] | bytes[2 * i + 1] << 8;
        result[15] &= 0x7fff;
        return result;
    }

    static long[] Added(long[] a, long[] b)
    {
        long[] result = new long[16];
        for (int i = 0; i < 16; i++) result[i] = a[i] + b[i];
        return result;
    }

    static long[] Subtracted(long[] a, long[] b)
    {
        long[] result = new long[16];
        for (int i = 0; i < 16; i++) result[i] = a[i] - b[i];
        return result;
    }

    static long[] Product(long[] a, long[] b)
    {
        long[] wide = new long[31];
        for (int i = 0; i < 16; i++)
        {
            long digit = a[i];
            for (int j = 0; j < 16; j++) wide[i + j] += digit * b[j];
        }
        // 2^256 is 38 more than a multiple of the modulus.
        for (int i = 0; i < 15; i++) wide[i] += 38 * wide[i + 16];
        long[] result = new long[16];
        Array.Copy(wide, result, 16);
        Carry(result);
        Carry(result);
        return result;
    }

    static void Carry(long[] digits)
    {
        for (int i = 0; i < 16; i++)
        {
            long over = digits[i] >> 16;
            digits[i] -= over << 16;
            if (i < 15) digits[i + 1] += over;
            else digits[0] += 38 * over;
        }
    }

    /// By Fermat: to the power of the modulus less 2, all of whose bits are set but two.
    static long[] Inverse(long[] value)
    {
        long[] result = (long[])value.Clone();
        for (int bit = 253; bit >= 0; bit--)
        {
            result = Product(result, result);
            if (bit != 2 && bit != 4) result = Product(result, value);
        }
        return result;
    }

    static byte[] Packed(long[] value)
    {
        long[] digits = (long[])value.Clone();
        for (int i = 0; i < 3; i++) Carry(digits);
        // Less the modulus, as long as it is not smaller than that.
        for (int i = 0; i < 2; i++)
        {
            long[] less = (long[])digits.Clone();
            less[0] -= 0xffed;
            for (int j = 1; j < 16; j++) less[j] -= j == 15 ? 0x7fff : 0xffff;
            for (int j = 0; j < 15; j++)
            {
                long borrowed = less[j] >> 16;
                less[j] -= borrowed << 16;
                less[j + 1] += borrowed;
            }
            Swap(digits, less, less[15] >= 0 ? 1 : 0);
        }
        byte[] bytes = new byte[32];
        for (int i = 0; i < 16; i++)
        {
            bytes[2 * i] = (byte)digits[i];
            bytes[2 * i + 1] = (byte)(digits[i] >> 8);
        }
        return bytes;
    }
}

