export default { test: { include: ['vitest.test.js'], environment: 'jsdom', environmentOptions: { jsdom: { url: process.env.PAGE } }, watch: false } };
